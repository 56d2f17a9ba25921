// List what changes in the SIS: by assignment, and its scores before and after once it is opened.

import { h } from "./dom.js";
import { pager } from "./paging.js";
import { byName, nameOf, NAMES_MISSING, titleOf } from "./problems.js";
import { count, dateOf, isolated, SIS } from "./words.js";

const RESULTS = {
  created: "new",
  recreated: "new again",
  updated: "changed",
  adopted: `found in ${SIS}`,
};
const SENT = new Set(["written", "cleared"]);
const PLANNED = "not-attempted";
const POINTS = /^\d+(\.\d+)?$/;

/** List the assignments of a sync that change, or whose scores do, by their numbers. `future`: they have not yet. */
export function changes(context, sync, items, future) {
  return items.filter(isChange).map((item) => changedAssignment(context, sync, item, future));
}

const isChange = (item) => item.assignment !== null && (isOwnChange(item.outcome) || scoresOf(item) > 0);
const isOwnChange = (outcome) => outcome !== null && (outcome.result in RESULTS || outcome.reason?.code === PLANNED);
const scoresOf = ({ scores, reasons }) => scores.written + scores.cleared + (reasons[PLANNED] ?? 0);

function changedAssignment(context, sync, item, future) {
  const own = isOwnChange(item.outcome) ? item.outcome : null;
  const notes = [own && (RESULTS[own.result] ?? own.detail), ...countsOf(item, future)].filter(Boolean);
  const summary = [h("span", { class: "title" }, titleOf(item)), h("span", { class: "note" }, notes.join(", "))];
  const edits = own?.edits ?? [];
  if (scoresOf(item) === 0 && edits.length === 0) return h("div", { class: "change" }, summary);
  const body = h("div");
  const load = () => scoresOf(item) > 0 && body.childElementCount === 0 && fillScores(context, sync, item, body, future);
  const details = h(
    "details",
    { class: "change", ontoggle: () => details.open && load() },
    h("summary", {}, summary),
    edits.length > 0 && h("ul", { class: "edits" }, edits.map(editLine)),
    body,
  );
  return details;
}

function countsOf(item, future) {
  const others = scoresOf(item) - item.clears;
  return [
    item.clears > 0 && `${count(item.clears, "score")} ${future ? "would be cleared" : "cleared"}`,
    others > 0 && count(others, "score"),
  ];
}

const EDITED = {
  name: ({ before, after }) => `Name: ${isolated(before)} → ${isolated(after)}`,
  points: ({ before, after }) => `Points: ${before} → ${after}`,
  due: ({ before, after }) => `Due: ${dateOf(before)} → ${dateOf(after)}`,
  category: ({ before_title: before, after_title: after }) =>
    before && after ? `Category: ${isolated(before)} → ${isolated(after)}` : after ? `Category: now ${isolated(after)}` : "Another category",
  counts: ({ after }) => (after === "yes" ? "Counts in the final grade now" : "No longer counts in the final grade"),
};

const editLine = (edit) => h("li", {}, EDITED[edit.field](edit));

/** Show the scores of one assignment, each page of them when it is asked for. */
function fillScores(context, sync, item, body, future) {
  const scores = [];
  const table = h("div");
  const read = (cursor) => context.api.outcomesPage(sync.id, { assignment: item.assignment.id }, cursor);
  const { more, load } = pager(context, read, ({ items, names_unavailable }) => {
    scores.push(...items.filter(isScoreChange));
    scores.sort(byName);
    const missing = names_unavailable && h("p", { class: "quiet" }, NAMES_MISSING);
    table.replaceChildren(...[missing, scoreTable(scores, future)].filter(Boolean));
    return scoresOf(item) - scores.length;
  });
  body.replaceChildren(table, more);
  load();
}

const isScoreChange = ({ student, result, reason }) => student && (SENT.has(result) || reason?.code === PLANNED);

const isCleared = ({ before, after }) => before !== null && after === null;

/** Show each score with its total points. Without any score from before there is no column for it. */
function scoreTable(scores, future) {
  const known = scores.some(({ before }) => before !== null);
  const titles = known ? ["Student", "Before", "After"] : ["Student", "Score"];
  const head = h("tr", {}, titles.map((text) => h("th", { scope: "col" }, text)));
  const body = scores.map((score) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, nameOf(score.student)),
      known && h("td", {}, valueOf(score.before, score)),
      h("td", {}, isCleared(score) ? (future ? "would be cleared" : "cleared") : valueOf(score.after, score)),
    ),
  );
  return h("table", { class: "scores" }, h("thead", {}, head), h("tbody", {}, body));
}

function valueOf(value, { assignment }) {
  if (value === null) return "";
  return POINTS.test(value) && assignment.points ? `${value}/${assignment.points}` : value;
}
