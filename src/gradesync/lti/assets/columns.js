// Show a gradebook by assignment, for narrow screens and very large sections: a bar, and the students in it.

import { BLANK, countStates, countText, valuesOf } from "./cells.js";
import { h } from "./dom.js";

const ORDER = ["a", "e", "w", "o", "s"];

/** Return the list of a gradebook's assignments. */
export function gradebookList(book, columns) {
  return h("ul", { class: "columns" }, columns.map((column) => h("li", {}, columnDetails(book, column))));
}

function columnDetails({ states, students }, column) {
  const counts = countStates([column]);
  const present = [...states.keys()].filter((letter) => letter !== BLANK && counts.get(letter) > 0);
  const text = present.map((letter) => countText(counts.get(letter), states.get(letter)));
  const head = [
    h("span", { class: "title" }, column.title),
    present.length > 0 && bar(states, counts, present),
    h("span", { class: "note" }, text.join(" · ") || ownText(states, column)),
  ];
  if (present.length === 0) return h("div", { class: "column" }, head);
  const body = h("div");
  const fill = () => body.childElementCount === 0 && body.append(...groupsOf(states, students, column));
  const details = h(
    "details",
    { class: "column", ontoggle: () => details.open && fill() },
    h("summary", {}, h("div", {}, head)),
    body,
  );
  return details;
}

const ownText = (states, { state, reason }) => reason?.title ?? (state === BLANK ? "No scores" : states.get(state).words);

function bar(states, counts, present) {
  const parts = present.map((letter) => {
    const part = h("span", { class: `cell ${states.get(letter).kind}` });
    part.style.flexGrow = String(counts.get(letter));
    return part;
  });
  return h("span", { class: "bar", "aria-hidden": "true" }, parts);
}

/** Group the students of a column by state and reason, with each reason once. */
function groupsOf(states, students, column) {
  const groups = new Map();
  column.cells.forEach((cell, n) => {
    const key = `${ORDER.indexOf(cell.state)} ${cell.reason?.code ?? ""}`;
    if (!groups.has(key)) groups.set(key, { cell, rows: [] });
    groups.get(key).rows.push([students[n].name, valuesOf(cell)]);
  });
  const shown = [...groups].filter(([, { cell }]) => cell.state !== BLANK);
  return shown.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { cell, rows }]) => group(states.get(cell.state), cell.reason, rows));
}

function group({ kind, words }, reason, rows) {
  return h(
    "div",
    { class: "group" },
    h("h4", {}, h("span", { class: `cell ${kind}`, "aria-hidden": "true" }), words),
    reason && h("p", { class: "quiet" }, `${reason.explanation} ${reason.fix}`),
    h("ul", {}, rows.map(([name, values]) => h("li", {}, h("span", {}, name), h("span", { class: "values" }, values)))),
  );
}
