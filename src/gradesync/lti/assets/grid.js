// Show a gradebook as a table of small cells: students by assignments, with arrow keys.

import { cellText, valuesOf } from "./cells.js";
import { h } from "./dom.js";

const ROOMY_COLUMNS = 10;
const PAGE_ROWS = 10;
const FIRST_ROWS = 40; // more than the frame is high

/** Return the table of a gradebook. `onCell` takes the student, the column and the cell that have the focus. */
export function gradebookTable({ states, students }, columns, { label, noteId, onCell }) {
  const roomy = columns.length <= ROOMY_COLUMNS;
  const table = h(
    "table",
    { role: "grid", class: roomy ? "cells roomy" : "cells", "aria-label": label },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Student"), columns.map((column) => columnHead(column, states)))),
  );
  const body = h("tbody");
  const blanks = new Map([...states].map(([letter, { kind }]) => [letter, h("td", { class: `cell ${kind}` })]));
  const rowOf = (student, row) => {
    const cells = columns.map((column) => cellElement(blanks, column.cells[row], states, roomy));
    return h("tr", {}, h("th", { scope: "row", title: student.name }, h("span", {}, student.name)), cells);
  };
  appendRows(body, students, rowOf);
  table.append(body);
  moveByKeys(table, body, noteId, (row, n) => onCell(students[row], columns[n], columns[n].cells[row]));
  return table;
}

/** Append the rows of all students: those that the frame can show at once, the others when it is painted. */
function appendRows(body, students, rowOf) {
  const append = (from, to) => body.append(...students.slice(from, to).map((student, n) => rowOf(student, from + n)));
  append(0, FIRST_ROWS);
  if (students.length > FIRST_ROWS) requestAnimationFrame(() => setTimeout(() => append(FIRST_ROWS)));
}

function columnHead(column, states) {
  const { kind, words } = states.get(column.state);
  const marked = !["held", "waits", "none"].includes(kind);
  return h(
    "th",
    { scope: "col", title: column.title },
    h("span", { class: "name" }, column.title),
    marked && [h("span", { class: "unseen" }, `, ${words}`), h("span", { class: `cell ${kind}`, "aria-hidden": "true" })],
  );
}

function cellElement(blanks, cell, states, roomy) {
  const element = blanks.get(cell.state).cloneNode();
  element.setAttribute("aria-label", cellText(cell, states.get(cell.state).words));
  if (roomy) element.textContent = cell.short ?? valuesOf(cell).split(" → ").at(-1);
  return element;
}

/** Let arrow keys move in the table: only one cell is in the tab order. */
function moveByKeys(table, body, noteId, onPosition) {
  let active = null;

  function activate(cell) {
    active?.removeAttribute("tabindex");
    active?.removeAttribute("aria-describedby");
    active = cell;
    active.tabIndex = 0;
    active.setAttribute("aria-describedby", noteId);
  }

  const report = (cell) => onPosition(cell.parentElement.sectionRowIndex, cell.cellIndex - 1);
  table.addEventListener("focusin", ({ target }) => target.matches(".cell") && report(target));
  table.addEventListener("mouseover", ({ target }) => target.matches(".cell") && report(target));
  table.addEventListener("mouseleave", () => table.contains(document.activeElement) && report(active));
  table.addEventListener("mousedown", ({ target }) => {
    if (!target.matches(".cell")) return;
    activate(target);
    target.focus({ preventScroll: true });
  });
  table.addEventListener("keydown", (event) => {
    const next = nextCell(body, active, event);
    if (!next) return;
    event.preventDefault();
    activate(next);
    next.focus();
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  const first = body.querySelector(".needs") ?? body.querySelector(".cell");
  if (first) activate(first);
}

/** Return the cell that a key leads to; undefined for another key. */
function nextCell(body, cell, { key, ctrlKey, altKey, metaKey }) {
  if (altKey || metaKey) return undefined;
  const [rows, width] = [body.rows.length, cell.parentElement.cells.length - 1];
  const [row, column] = [cell.parentElement.sectionRowIndex, cell.cellIndex - 1];
  const [to, across] = {
    ArrowRight: [row, column + 1],
    ArrowLeft: [row, column - 1],
    ArrowDown: [row + 1, column],
    ArrowUp: [row - 1, column],
    PageDown: [row + PAGE_ROWS, column],
    PageUp: [row - PAGE_ROWS, column],
    Home: [ctrlKey ? 0 : row, 0],
    End: [ctrlKey ? rows - 1 : row, width - 1],
  }[key] ?? [];
  if (to === undefined) return undefined;
  const within = (n, length) => Math.min(Math.max(n, 0), length - 1);
  return body.rows[within(to, rows)].cells[within(across, width) + 1];
}
