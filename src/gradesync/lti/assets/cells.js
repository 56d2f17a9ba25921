// Name the states of a gradebook's cells, and join the pages of a gradebook to one.

import { nameOf, NAMES_MISSING, titleOf } from "./problems.js";
import { number, SIS } from "./words.js";

/** Return letter of the API -> class and words of a state, in the order of the legend. */
const statesOf = (preview) => new Map([
  ["s", { kind: "held", words: `In ${SIS}` }],
  ["w", { kind: "waits", words: preview ? "Would be sent" : "Waiting" }],
  ["a", { kind: "needs", words: "Needs attention", several: "need attention" }],
  ["e", { kind: "edited", words: `Edited in ${SIS}` }],
  ["o", { kind: "out", words: "Left out" }],
  ["-", { kind: "none", words: "No score" }],
]);
export const BLANK = "-";
const LATER = "A later sync changed the gradebook, so this shows only what this one reported.";
const LETTERS = {
  "in-sis": "s",
  waiting: "w",
  "needs-attention": "a",
  "edited-in-sis": "e",
  "left-out": "o",
  none: BLANK,
};

const COLLATOR = new Intl.Collator("en-US", { numeric: true });

/** Join pages to a book: `columns` with one cell for each of the `students`; `states` by letter; `notes` above it. */
export function joinPages(pages, preview) {
  const found = new Map(pages.flatMap((page) => page.students.map((each) => [each.id, nameOf(each)])));
  const students = [...found].map(([id, name]) => ({ id, name })).sort((a, b) => COLLATOR.compare(a.name, b.name));
  const texts = Object.assign({}, ...pages.map(({ reasons }) => reasons));
  return {
    states: statesOf(preview),
    students,
    columns: pages.flatMap((page) => columnsOf(page, students, texts)),
    notes: [!pages.every(({ whole }) => whole) && LATER, pages.some((page) => page.names_unavailable) && NAMES_MISSING].filter(Boolean),
  };
}

function columnsOf(page, students, texts) {
  const positions = new Map(page.students.map(({ id }, n) => [id, n]));
  const order = students.map(({ id }) => positions.get(id));
  return page.items.map((item) => ({
    id: item.assignment.id,
    title: titleOf(item),
    state: LETTERS[item.state],
    points: item.assignment.points,
    reason: item.reason,
    cells: order.map((n) => cellOf(item, n, texts)),
  }));
}

const NOTHING = { state: BLANK, before: null, after: null, reason: null };
/** List the reasons that only repeat the reason of the assignment. */
const REPEATED = new Set(["assignment-failed", "assignment-skipped"]);

function cellOf(item, n, texts) {
  if (n === undefined || item.cells[n] === BLANK) return NOTHING;
  const code = item.reasons[n];
  const reason = REPEATED.has(code) ? item.reason : code && texts[code];
  return { state: item.cells[n], before: item.before[n] ?? null, after: item.after[n] ?? null, reason, shared: REPEATED.has(code) };
}

/** Count the cells of columns by state: letter -> number. */
export function countStates(columns) {
  const counts = new Map();
  for (const { cells } of columns) for (const { state } of cells) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

/** Count the scores that need attention only because their assignment does: a result counts them with it. */
export const countShared = (columns) =>
  columns.reduce((sum, { cells }) => sum + cells.filter(({ state, shared }) => state === "a" && shared).length, 0);

/** Return the values of a cell in words: "9.5", or "8 → 9.5"; empty where the sync reported none. */
export function valuesOf({ state, before, after, values }) {
  if (values !== undefined) return values;
  if (before === null && after === null) return "";
  if (before === after) return after;
  if (before === null) return state === "s" || state === "w" ? after : `blank → ${after}`;
  return `${before} → ${after ?? "blank"}`;
}

/** Return a cell in words, for screen readers. */
export function cellText(cell, words) {
  const values = valuesOf(cell).replace("→", "to");
  return values ? `${words}, ${values}` : words;
}

/** Return a number of cells in words: "27 need attention". */
export function countText(n, { words, several }) {
  return `${number(n)} ${n === 1 || !several ? words.charAt(0).toLowerCase() + words.slice(1) : several}`;
}
