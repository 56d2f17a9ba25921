// Show rows as a table, which turns into a list of cards on narrow screens.

import { h } from "../dom.js";

/**
 * Create a table. `columns` are pairs: the heading, and a function from a row to its cell, text or elements. The
 * first cell is the heading of its row.
 */
export function tableOf(caption, columns, rows) {
  const heads = columns.map(([name]) => h("th", { scope: "col" }, name || h("span", { class: "unseen" }, "Action")));
  return h(
    "table",
    { class: "rows" },
    h("caption", { class: "unseen" }, caption),
    h("thead", {}, h("tr", {}, heads)),
    h("tbody", {}, rows.map((row) => rowOf(columns, row))),
  );
}

function rowOf(columns, row) {
  const [[, first], ...others] = columns;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, first(row)),
    others.map(([name, cell]) => h("td", { "data-name": name }, cell(row))),
  );
}
