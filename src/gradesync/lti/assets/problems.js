// List what needs attention: by reason, and under it by the student or the assignment that is its cause.

import { copyButton, reportOf } from "./copy.js";
import { h } from "./dom.js";
import { count, number, SIS } from "./words.js";

/** List the reasons that only repeat the reason of the assignment, or of the sync. */
const REPEATED = new Set(["assignment-failed", "assignment-skipped", "not-attempted"]);
const NAMES_SHOWN = 3;
// So many of a class are hardly all enrolled wrongly.
const WRONG_SECTION = { reason: "student-not-in-sis-section", share: 0.5, students: 3 };
const NAMES = new Intl.Collator("en-US", { numeric: true });

export const NAMES_MISSING = "Schoology isn't sharing the students' names right now, so their ids are shown.";

/** Return an item for a warning of an outcome, with the warning as its reason; none where it has no such. */
export const warnedOf = (item, code) =>
  item.warnings.filter((warning) => warning.code === code).map((reason) => ({ ...item, reason }));

/** Return whether an outcome is of one assignment or score, not a summary of several: the sentences count those. */
const isSingle = ({ kind, assignment, student }) => (kind === "score" ? student : assignment) !== null;

export const titleOf = ({ assignment }) => assignment.title ?? `Assignment ${assignment.id}`;
export const nameOf = ({ id, name }) => name || `Student ${id}`;

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (groups.has(key)) groups.get(key).push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** Group by reason. `students` is the size of the class, null where it is not known. */
export function problems(sync, { items, students }) {
  const shown = items.filter((item) => isSingle(item) && item.reason && !REPEATED.has(item.reason.code));
  const groups = groupBy(shown, ({ reason }) => reason.code);
  if (groups.size === 0) {
    return [h("p", { class: "quiet" }, explainNone(items))];
  }
  return [...groups.values()].map((rows) => reasonGroup(sync, rows, students));
}

function explainNone(items) {
  if (items.length === 0) return "Nothing more.";
  const early = items.some(({ reason }) => reason?.code === "not-attempted");
  return early ? "The sync ended before it got to these." : "Only scores of assignments that weren't sent themselves.";
}

function reasonGroup(sync, rows, size) {
  const [{ reason }] = rows;
  const byStudent = reason.title_many ? groupBy(rows.filter(({ student }) => student), ({ student }) => student.id) : null;
  const several = byStudent?.size > 1;
  const title = several ? reason.title_many.replace("{students}", number(byStudent.size)) : reason.title;
  const about = h(
    "div",
    {},
    h("h4", {}, title),
    byStudent && wrongSection(reason, byStudent.size, size),
    h("p", { class: "fix" }, reason.fix),
    reason.who === "admin" && copyButton(() => reportOf(sync, reason, rows.map(copiedLine))),
  );
  const lines = byStudent?.size ? studentLines(byStudent) : assignmentLines(rows);
  return h("div", { class: "reason" }, about, h("ul", {}, lines));
}

/** Name the likely cause where a reason concerns much of a class. */
function wrongSection({ code }, concerned, size) {
  const { reason, share, students } = WRONG_SECTION;
  if (code !== reason || size === null || concerned < students || concerned < share * size) return null;
  const text = `${number(concerned)} of ${count(size, "student")} is a large part of the class.`;
  return h("p", { class: "likely" }, `${text} This is probably the wrong ${SIS} section.`);
}

/** Name students by their ids: whoever gets the copy may not be meant to see their names. */
const copiedLine = ({ assignment, student, detail }) =>
  [`${assignment.title ?? ""} (assignment ${assignment.id})`, student && `student ${student.id}`, detail]
    .filter(Boolean)
    .join(", ");

/** Return what the reason's title leaves open about an outcome. */
const factsOf = ({ reason, detail }) => (reason.explanation === reason.title ? detail : reason.explanation);

/** List each student once, by name, with the assignments that are concerned. */
function studentLines(byStudent) {
  return [...byStudent.values()]
    .sort(([a], [b]) => NAMES.compare(nameOf(a.student), nameOf(b.student)))
    .map((own) => line(nameOf(own[0].student), own.map(titleWithFacts), count(own.length, "score")));
}

const titleWithFacts = (item) => [titleOf(item), factsOf(item)].filter(Boolean).join(": ");

/** List each assignment once, with the facts about it, and the students whose scores are concerned. */
function assignmentLines(rows) {
  return [...groupBy(rows, ({ assignment }) => assignment.id).values()].map((own) => {
    const facts = [...new Set(own.map(factsOf).filter(Boolean))];
    const names = own.filter(({ student }) => student).map(({ student }) => nameOf(student)).sort(NAMES.compare);
    return line(titleOf(own[0]), [...facts, ...names], names.length > 0 ? count(names.length, "student") : "");
  });
}

/** Show a few names beside a title; many are made when they are opened. */
function line(title, names, note) {
  const heading = h("span", { class: "title" }, title);
  if (names.length <= NAMES_SHOWN) return h("li", {}, heading, h("span", { class: "names" }, names.join(", ")));
  const list = h("ul");
  const open = () => list.childElementCount === 0 && list.append(...names.map((name) => h("li", {}, name)));
  const summary = h("summary", {}, heading, h("span", { class: "note" }, note));
  return h("li", {}, h("details", { ontoggle: open }, summary, list));
}
