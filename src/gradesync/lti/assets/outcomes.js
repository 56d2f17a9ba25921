// Show the outcomes of assignments and scores: by reason and by name, with what to do.

import { copyButton, reportOf } from "./copy.js";
import { button, h, sign } from "./dom.js";
import { count, dateOf, failed, isGuarded, sent, SIS, skipped } from "./words.js";

/** List the reasons that only repeat the reason of the assignment, or of the sync. */
const REPEATED = new Set(["assignment-failed", "assignment-skipped", "not-attempted"]);
const NAMES_SHOWN = 3;

/** Return whether an outcome is of one assignment or score, not a summary of several: the sentences count those. */
const isSingle = ({ kind, assignment, student }) => (kind === "score" ? student : assignment) !== null;

/** Return the outcomes of a settled sync. Long parts are read when they are opened. */
export function outcomesOf(context, sync) {
  const all = once(() => context.api.outcomes(sync.id));
  const parts = [];
  const warned = Object.values(sync.warnings).reduce((sum, n) => sum + n, 0);
  if (isGuarded(sync)) {
    parts.push(fold(context, "What would change", all, changes, { open: true }));
  } else if (sync.result !== "all-sent") {
    const read = once(() => attentive(context, sync, all));
    const title = sync.dry_run ? "What would need attention" : "Needs attention";
    parts.push(section(context, title, read, (items) => problems(sync, items)));
  }
  if (sent(sync)) {
    parts.push(fold(context, sync.dry_run ? "What would be sent" : "What was sent", all, changes, { open: sync.dry_run }));
  }
  if (skipped(sync) > 0) {
    const read = once(() => context.api.outcomes(sync.id, { result: "skipped" }));
    const calm = (items) => problems(sync, items.filter(({ reason }) => !reason.needs_attention));
    parts.push(fold(context, "Left out", read, calm, { open: sync.dry_run }));
  }
  if (warned > 0) {
    const calm = (items) => problems(sync, warningsOf(items).filter(({ reason }) => !reason.needs_attention));
    parts.push(fold(context, "Worth knowing", all, calm));
  }
  return h("div", { class: "outcomes" }, parts);
}

/** Read what needs attention: what failed, what the rules left out, and what differs although it was sent. */
async function attentive(context, sync, all) {
  const read = (result, n) => (n > 0 ? context.api.outcomes(sync.id, { result }) : NOTHING);
  const [unsent, leftOut, warned] = await Promise.all([
    read("failed", failed(sync)),
    read("skipped", skipped(sync)),
    Object.keys(sync.warnings).length > 0 ? all() : NOTHING,
  ]);
  const differing = [...leftOut.items, ...warningsOf(warned.items)];
  return {
    items: [...unsent.items, ...differing.filter(({ reason }) => reason.needs_attention)],
    more: unsent.more || leftOut.more || warned.more,
    names_unavailable: unsent.names_unavailable || leftOut.names_unavailable || warned.names_unavailable,
  };
}

const NOTHING = { items: [], more: false, names_unavailable: false };

function once(read) {
  let result;
  return () => (result ??= read().catch((error) => {
    result = undefined;
    throw error;
  }));
}

function section(context, title, read, render) {
  const body = h("div");
  fill(context, body, read, render);
  return h("section", { class: "part" }, h("h3", {}, title), body);
}

function fold(context, title, read, render, { note = "", open = false } = {}) {
  const body = h("div");
  const load = () => body.childElementCount === 0 && fill(context, body, read, render);
  const details = h(
    "details",
    { class: "part", open, ontoggle: () => details.open && load() },
    h("summary", {}, h("h3", {}, title), note && h("span", { class: "note" }, note)),
    body,
  );
  return details;
}

async function fill(context, body, read, render) {
  body.replaceChildren(h("p", { class: "quiet", role: "status" }, "Reading…"));
  try {
    const outcomes = await read();
    body.replaceChildren(
      ...[
        outcomes.names_unavailable &&
          h("p", { class: "quiet" }, "Schoology isn't sharing the students' names right now, so their ids are shown."),
        ...render(outcomes.items),
        outcomes.more && h("p", { class: "quiet" }, "There is more. The spreadsheet in the log has everything."),
      ].filter(Boolean),
    );
  } catch (error) {
    if (context.ended(error)) return;
    const again = () => fill(context, body, read, render);
    body.replaceChildren(h("p", { role: "alert" }, `${error.title} `, button("Try again", again, { class: "link" })));
  }
}

/** Group by reason, each with its assignments and, under them, its students. */
function problems(sync, items) {
  const shown = items.filter((item) => isSingle(item) && item.reason && !REPEATED.has(item.reason.code));
  const groups = groupBy(shown, ({ reason }) => reason.code);
  if (groups.size === 0) {
    const early = items.some(({ reason }) => reason?.code === "not-attempted");
    const text = early ? "The sync ended before it got to these." : "Only scores of assignments that weren't sent themselves.";
    return [h("p", { class: "quiet" }, text)];
  }
  return [...groups.values()].map((rows) => reasonGroup(sync, rows[0].reason, rows));
}

/** Return one item for each warning, with the warning as its reason. */
const warningsOf = (items) => items.flatMap((item) => item.warnings.map((warning) => ({ ...item, reason: warning })));

function reasonGroup(sync, reason, rows) {
  const copy = reason.who === "admin" && copyButton(() => reportOf(sync, reason, rows.map(copiedLine)));
  const about = h("div", {}, h("h4", {}, reason.title), h("p", { class: "fix" }, reason.fix), copy);
  return h("div", { class: "reason" }, about, h("ul", {}, lines(rows)));
}

/** Name students by their ids: whoever gets the copy may not be meant to see their names. */
const copiedLine = ({ assignment, student, detail }) =>
  [`${assignment.title ?? ""} (assignment ${assignment.id})`, student && `student ${student.id}`, detail]
    .filter(Boolean)
    .join(", ");

/** List by student where few students have it in many assignments, otherwise by assignment. */
function lines(rows) {
  const byAssignment = groupBy(rows, ({ assignment }) => assignment.id);
  const byStudent = groupBy(rows.filter(({ student }) => student), ({ student }) => student.id);
  if (byStudent.size > 0 && byStudent.size < byAssignment.size) {
    return [...byStudent.values()].map((own) => line(nameOf(own[0].student), own.map(titleOf), "assignment"));
  }
  return [...byAssignment.values()].map((own) => {
    const students = own.filter(({ student }) => student);
    const details = own.map(factsOf).filter(Boolean);
    return line(titleOf(own[0]), [...details, ...students.map(({ student }) => nameOf(student))], "student");
  });
}

/** Return what the reason's title leaves open about an outcome. */
const factsOf = ({ reason, detail }) => (reason.explanation === reason.title ? detail : reason.explanation);

function line(title, names, what) {
  const heading = h("span", { class: "title" }, title);
  if (names.length <= NAMES_SHOWN) return h("li", {}, heading, h("span", { class: "names" }, names.join(", ")));
  const note = h("span", { class: "note" }, count(names.length, what));
  return h("li", {}, h("details", {}, h("summary", {}, heading, note), h("ul", {}, names.map((name) => h("li", {}, name)))));
}

const RESULTS = {
  created: "new",
  recreated: "new again",
  updated: "changed",
  adopted: `found in ${SIS}`,
};
const SENT = new Set(["written", "cleared"]);

/** List by assignment: its change in the SIS, and each score before and after. */
function changes(items) {
  const changed = items.filter(isChange);
  return [...groupBy(changed, ({ assignment }) => assignment.id).values()].map(changedAssignment);
}

const isChange = (item) =>
  isSingle(item) && (item.result in RESULTS || SENT.has(item.result) || item.reason?.code === "not-attempted");

function changedAssignment(rows) {
  const own = rows.find(({ student }) => !student);
  const scores = rows.filter(({ student, result }) => student && result !== "adopted");
  const notes = [own && RESULTS[own.result], scores.length > 0 && count(scores.length, "score")].filter(Boolean);
  const summary = [h("span", { class: "title" }, titleOf(rows[0])), h("span", { class: "note" }, notes.join(", "))];
  const edits = own?.edits ?? [];
  if (scores.length === 0 && edits.length === 0) return h("div", { class: "change" }, summary);
  return h(
    "details",
    { class: "change" },
    h("summary", {}, summary),
    edits.length > 0 && h("ul", { class: "edits" }, edits.map(editLine)),
    scores.length > 0 && scoreTable(scores),
  );
}

const EDITED = {
  name: ({ before, after }) => `Name: ${before} → ${after}`,
  points: ({ before, after }) => `Points: ${before} → ${after}`,
  due: ({ before, after }) => `Due: ${dateOf(before)} → ${dateOf(after)}`,
  category: ({ before_title: before, after_title: after }) =>
    before && after ? `Category: ${before} → ${after}` : after ? `Category: now ${after}` : "Another category",
  counts: ({ after }) => (after === "yes" ? "Counts in the final grade now" : "No longer counts in the final grade"),
};

const editLine = (edit) => h("li", {}, EDITED[edit.field](edit));

function scoreTable(scores) {
  const head = h("tr", {}, ["Student", "Before", "After"].map((text) => h("th", { scope: "col" }, text)));
  const body = scores.map(({ student, before, after }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, nameOf(student)),
      h("td", {}, before ?? "blank"),
      h("td", {}, after ?? "blank"),
    ),
  );
  return h("table", { class: "scores" }, h("thead", {}, head), h("tbody", {}, body));
}

const titleOf = ({ assignment }) => assignment.title ?? `Assignment ${assignment.id}`;
const nameOf = ({ id, name }) => name ?? `Student ${id}`;

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (groups.has(key)) groups.get(key).push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** Return the heading of a sync's result: a sign, one sentence, and one more. */
export function resultHead({ kind, headline, text }) {
  return [
    h("div", { class: "headline" }, sign(kind), h("h3", {}, headline)),
    text && h("p", { class: "text" }, text),
  ];
}
