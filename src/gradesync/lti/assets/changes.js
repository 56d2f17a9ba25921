// List what changes in the SIS: by assignment, with each score before and after.

import { h } from "./dom.js";
import { groupBy, isSingle, nameOf, titleOf } from "./problems.js";
import { count, dateOf, SIS } from "./words.js";

const RESULTS = {
  created: "new",
  recreated: "new again",
  updated: "changed",
  adopted: `found in ${SIS}`,
};
const SENT = new Set(["written", "cleared"]);
const POINTS = /^\d+(\.\d+)?$/;

/** List the changes of a sync. `future`: they have not happened. */
export function changes(items, future) {
  const groups = groupBy(items.filter(isChange), ({ assignment }) => assignment.id);
  return [...groups.values()].map((rows) => changedAssignment(rows, future));
}

const isChange = (item) =>
  isSingle(item) && (item.result in RESULTS || SENT.has(item.result) || item.reason?.code === "not-attempted");

function changedAssignment(rows, future) {
  const own = rows.find(({ student }) => !student);
  const scores = rows.filter(({ student, result }) => student && result !== "adopted");
  const notes = [own && (RESULTS[own.result] ?? own.detail), ...countsOf(scores, future)].filter(Boolean);
  const summary = [h("span", { class: "title" }, titleOf(rows[0])), h("span", { class: "note" }, notes.join(", "))];
  const edits = own?.edits ?? [];
  if (scores.length === 0 && edits.length === 0) return h("div", { class: "change" }, summary);
  const body = h("div");
  const parts = () => [
    edits.length > 0 && h("ul", { class: "edits" }, edits.map(editLine)),
    scores.length > 0 && scoreTable(scores, future),
  ];
  const open = () => body.childElementCount === 0 && body.append(...parts().filter(Boolean));
  return h("details", { class: "change", ontoggle: open }, h("summary", {}, summary), body);
}

const isCleared = ({ before, after }) => before !== null && after === null;

function countsOf(scores, future) {
  const cleared = scores.filter(isCleared).length;
  const others = scores.length - cleared;
  return [
    cleared > 0 && `${count(cleared, "score")} ${future ? "would be cleared" : "cleared"}`,
    others > 0 && count(others, "score"),
  ];
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
