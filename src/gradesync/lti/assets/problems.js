// List what needs attention: by reason, and under it by the student or the assignment that is its cause.

import { copyFor } from "./copy.js";
import { button, h } from "./dom.js";
import { pager } from "./paging.js";
import { count, isolated, number, SIS } from "./words.js";

// So many of a class are hardly all enrolled wrongly.
const WRONG_SECTION = { reason: "student-not-in-sis-section", share: 0.5, students: 3 };
const UNDECIDED = "drift-undecided";
const NAMES = new Intl.Collator("en-US", { numeric: true });

export const NAMES_MISSING = "Schoology isn't sharing the students' names right now, so their ids are shown.";

export const titleOf = ({ assignment }) =>
  assignment ? isolated(assignment.title ?? `Assignment ${assignment.id}`) : "Assignments that aren't listed one by one";
export const nameOf = ({ id, name }) => isolated(name || `Student ${id}`);

/** List reasons, each with all that it concerns. `students` is the size of the class, null where it is not known. */
export function problems(context, sync, groups, students) {
  if (groups.length === 0) return [h("p", { class: "quiet" }, "Only scores of assignments that weren't sent themselves.")];
  return groups.map((group) => reasonGroup(context, sync, group, students));
}

function reasonGroup(context, sync, { reason, concerned }, size) {
  const students = concerned.filter(({ student }) => student);
  const title = students.length > 1 ? reason.title_many.replace("{students}", number(students.length)) : reason.title;
  const about = h(
    "div",
    {},
    h("h4", {}, title),
    wrongSection(reason, students.length, size),
    h("p", { class: "fix" }, reason.fix),
    reason.code === UNDECIDED && context.choose && button("Choose the scores", context.choose, { class: "link" }),
    copyFor(context, sync, reason, concerned),
  );
  const own = (each) => (each.student ? studentLine(context, sync, reason, each) : assignmentLine(context, sync, reason, each));
  return h("div", { class: "reason" }, about, h("ul", {}, sorted(concerned).map(own)));
}

/** Sort by the student's name; equal names by id. */
export const byName = (a, b) => NAMES.compare(nameOf(a.student), nameOf(b.student)) || NAMES.compare(a.student.id, b.student.id);

/** Sort students by name; assignments stay in the order of the gradebook. */
const sorted = (concerned) =>
  concerned.every(({ student }) => student)
    ? [...concerned].sort(byName)
    : concerned;

/** Name the likely cause where a reason concerns much of a class. */
function wrongSection({ code }, concerned, size) {
  const { reason, share, students } = WRONG_SECTION;
  if (code !== reason || size === null || concerned < students || concerned < share * size) return null;
  const text = `${number(concerned)} of ${count(size, "student")} is a large part of the class.`;
  return h("p", { class: "likely" }, `${text} This is probably the wrong ${SIS} section.`);
}

/** Return an outcome as a row of a reason: `assignment`, `student`, `about`. The reason may be one of its warnings. */
function rowOf({ code }, { assignment, student, reason, detail, warnings }) {
  const own = reason?.code === code ? reason : warnings.find((each) => each.code === code);
  return { assignment, student, about: own && own.explanation !== own.title ? own.explanation : detail && `Details: ${detail}` };
}

/** Show a student, with the assignments that are concerned. */
function studentLine(context, sync, reason, { student, scores, first }) {
  const words = (row) => [titleOf(row), row.about].filter(Boolean).join(": ");
  if (scores <= first.length) return shortLine(nameOf(student), first.map(words));
  const rows = { words, all: scores, note: count(scores, "score") };
  return longLine(context, sync, nameOf(student), rows, reason, { student: student.id });
}

/** Show an assignment, with the facts about it, and the students whose scores are concerned. */
function assignmentLine(context, sync, reason, { assignment, assignments, scores, first }) {
  const facts = [...new Set(first.map(({ about }) => about).filter(Boolean))];
  const alike = facts.length <= 1;
  const words = ({ student, about }) => [nameOf(student), !alike && about].filter(Boolean).join(": ");
  const title = titleOf({ assignment });
  const named = first.filter(({ student }) => student).sort(byName);
  if (!assignment) return shortLine(title, [count(assignments, "assignment")]);
  const link = linkTo(context, assignment, title);
  if (scores === 0) return shortLine(link, facts);
  if (named.length === 0) return shortLine(link, [...facts, count(scores, "score")]);
  if (scores === named.length) return shortLine(link, [...(alike ? facts : []), ...named.map(words)]);
  const rows = { words, all: scores, note: count(scores, "student"), facts: [alike && facts[0], linkTo(context, assignment, "")] };
  return longLine(context, sync, title, rows, reason, { assignment: assignment.id });
}

/** Show the words of an assignment, as a link to its page in Schoology once that is known. */
function linkTo({ api }, { id }, title) {
  const words = h("span", {}, title);
  api.urls().then((urls) => {
    const link = { href: urls.get(id), target: "_blank", rel: "noopener noreferrer" };
    if (link.href) words.replaceChildren(h("a", link, title || "Open in Schoology"));
  });
  return words;
}

const shortLine = (title, names) => h("li", {}, h("span", { class: "title" }, title), h("span", { class: "names" }, names.join(", ")));

/** Show the number of rows beside a title; they are read when it is opened, a page at a time. */
function longLine(context, sync, title, { words, all, note, facts = [] }, reason, owner) {
  const list = h("ul");
  const found = [];
  const read = (cursor) => context.api.outcomesPage(sync.id, { reason: reason.code, ...owner }, cursor);
  const { more, load } = pager(context, read, ({ items }) => {
    found.push(...items.filter(({ student }) => student));
    if (owner.assignment) found.sort(byName);
    list.replaceChildren(...found.map((item) => h("li", {}, words(rowOf(reason, item)))));
    return all - found.length;
  });
  const details = h(
    "details",
    { ontoggle: () => details.open && load() },
    h("summary", {}, h("span", { class: "title" }, title), h("span", { class: "note" }, note)),
    facts.filter(Boolean).map((fact) => h("p", {}, fact)),
    list,
    more,
  );
  return h("li", {}, details);
}
