// Join the cells of a comparison to a book that the picture shows.

import { STATES } from "./edits.js";
import { nameOf, NAMES_MISSING, titleOf } from "./problems.js";
import { SIS } from "./words.js";

/** The states, and that of a student without a score. */
const BOOK_STATES = new Map([...STATES, ["-", { kind: "none", words: "No score" }]]);
const NOTHING = { state: "-", before: null, after: null, reason: null };
const NO_SCORES = "There are no scores to compare.";
const NO_EDITS = `No score was changed in ${SIS}.`;
const UNREAD = `${SIS} doesn't let scores be read, so they can't be compared.`;
const COLLATOR = new Intl.Collator("en-US", { numeric: true });

/** Join pages of compared cells to a book: `columns` with one cell for each of the `students`. */
export function joinCompared(pages) {
  const cells = pages.flatMap(({ items }) => items);
  const students = [...new Map(cells.map((cell) => [keyOf(cell), { id: keyOf(cell), name: personOf(cell) }])).values()];
  students.sort((a, b) => COLLATOR.compare(a.name, b.name));
  return {
    states: BOOK_STATES,
    students,
    columns: columnsOf(cells, students),
    notes: pages.some((page) => page.names_unavailable) ? [NAMES_MISSING] : [],
  };
}

/** Return where the edits are, in one sentence; claim nothing of what couldn't be read. */
export function summaryOf({ edits, counts, cells }) {
  if (edits.summary) return edits.summary;
  if (cells === 0) return NO_SCORES;
  return counts.unreadable === cells ? UNREAD : NO_EDITS;
}

/** Return who a cell is about; an id of one system may be another person's in the other. */
const keyOf = ({ student, sis_student }) => (student ? `schoology ${student.id}` : `sis ${sis_student}`);
const personOf = ({ student, sis_student }) => (student ? nameOf(student) : `${SIS} student ${sis_student}`);

function columnsOf(cells, students) {
  const columns = new Map();
  for (const cell of cells) {
    const { id } = cell.assignment;
    if (!columns.has(id)) columns.set(id, { id, title: titleOf(cell), found: new Map() });
    columns.get(id).found.set(keyOf(cell), cell);
  }
  return [...columns.values()].map(({ found, ...column }) => ({
    ...column,
    state: "same",
    points: null,
    reason: null,
    cells: students.map(({ id }) => (found.has(id) ? cellOf(found.get(id)) : NOTHING)),
  }));
}

function cellOf({ state, sis, schoology, sent, reason }) {
  const values = state === "unreadable" ? "" : `${sis ?? "blank"} in ${SIS}, ${schoology ?? sent ?? "blank"} in Schoology`;
  return { state, before: sis, after: schoology, reason, values, short: sis ?? "" };
}
