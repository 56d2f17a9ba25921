// Show the gradebook as a picture: one cell for each score, colored by its state; filters, legend, details.

import { BLANK, countShared, countStates, joinPages, valuesOf } from "./cells.js";
import { gradebookList } from "./columns.js";
import { button, h, show } from "./dom.js";
import { joinCompared } from "./compare.js";
import { gradebookTable } from "./grid.js";
import { number } from "./words.js";

const NARROW = matchMedia("(max-width: 560px)");
const MOST_CELLS = 30_000;

let pictures = 0;

const swatch = ({ kind }) => h("span", { class: `cell ${kind}`, "aria-hidden": "true" });

/** Return the part with the gradebook of a settled sync, or as a preview expects it; read when it is opened. */
export function picture(context, sync) {
  const title = sync.dry_run ? "What the gradebook would look like" : "The gradebook at a glance";
  return partOf(title, new Picture(context, async () => joinPages(await context.api.gradebook(sync.id), sync.dry_run)));
}

/** Return the picture of a comparison: an element, and `open`, which reads it. */
export const comparedPicture = (context, comparison) =>
  new Picture(context, async () => joinCompared(await context.api.comparedCells(comparison)));

function partOf(title, view) {
  const part = h(
    "details",
    { class: "part picture", ontoggle: () => part.open && view.open() },
    h("summary", {}, h("h3", {}, title)),
    view.element,
  );
  return part;
}

class Picture {
  #context;
  #read;
  #book = null;
  #groups = new Map();
  #noteId = `cell-note-${(pictures += 1)}`;
  #filters = h("div", { class: "picture-filters", hidden: true });
  #legend = h("ul", { class: "legend", "aria-label": "Legend" });
  #frame = h("div", { class: "picture-frame" });
  #note = h("div", { class: "cell-note", id: this.#noteId });
  #body = h("div");

  /** `read` returns a promise of the book to show. */
  constructor(context, read) {
    this.#context = context;
    this.#read = read;
    this.element = h("div", {}, this.#body);
    NARROW.addEventListener("change", () => this.#book && this.element.isConnected && this.#render());
  }

  async open() {
    if (this.#book) return;
    this.#body.replaceChildren(h("p", { class: "quiet", role: "status" }, "Reading…"));
    try {
      this.#book = await this.#read();
      this.#body.replaceChildren(...this.#parts());
      this.#render();
      await this.#addFilters();
    } catch (error) {
      this.#failed(error);
    }
  }

  #parts() {
    if (this.#book.columns.length === 0) return [h("p", { class: "quiet" }, "There is nothing to show yet.")];
    const quiet = (text) => h("p", { class: "quiet" }, text);
    return [
      ...this.#book.notes.map(quiet),
      this.#filters,
      this.#legend,
      this.#frame,
      this.#note,
    ];
  }

  #failed(error) {
    if (this.#context.ended(error)) return;
    const again = button("Try again", () => this.open(), { class: "link" });
    this.#body.replaceChildren(h("p", { role: "alert" }, `${error.title} ${error.fix} `, again));
  }

  /** Show the columns that the filters let through. */
  #render() {
    const columns = this.#book.columns.filter((column) => this.#isShown(column));
    this.#legend.replaceChildren(...this.#keys(countStates(columns), countShared(columns)));
    const listed = NARROW.matches || columns.length * this.#book.students.length > MOST_CELLS;
    show(this.#note, !listed && columns.length > 0).replaceChildren(h("p", { class: "quiet" }, "Point at a cell, or move to it with the arrow keys."));
    if (columns.length === 0) this.#frame.replaceChildren(h("p", { class: "quiet" }, "No assignment is both."));
    else if (listed) this.#frame.replaceChildren(gradebookList(this.#book, columns));
    else this.#frame.replaceChildren(this.#table(columns));
  }

  #table(columns) {
    return gradebookTable(this.#book, columns, {
      label: "The gradebook: students by assignments",
      noteId: this.#noteId,
      onCell: (...position) => this.#describe(...position),
    });
  }

  /** Return the legend: the states that there are, with their numbers. */
  #keys(counts, shared) {
    const present = [...this.#book.states].filter(([letter]) => counts.get(letter) > 0);
    const words = ([letter, state]) => [state.words, h("span", { class: "note" }, number(counts.get(letter)))];
    const also = h("span", { class: "shared" }, `(${number(shared)} with their assignment)`);
    return present.map((key) => h("li", {}, swatch(key[1]), words(key), key[0] === "a" && shared > 0 && also));
  }

  /** Describe the cell that has the focus or the pointer. */
  #describe(student, column, cell) {
    const values = valuesOf(cell);
    const points = /\d$/.test(values) && column.points ? `/${column.points}` : "";
    const state = this.#book.states.get(cell.state);
    const reason = cell.reason ?? (cell.state === BLANK ? column.reason : null);
    this.#note.replaceChildren(
      ...[
        h("p", {}, h("strong", {}, student.name), " · ", column.title),
        h("p", { class: "state-line" }, swatch(state), state.words, values && h("span", { class: "values" }, values, points)),
        reason && h("p", { class: "quiet" }, `${reason.explanation} ${reason.fix}`),
      ].filter(Boolean),
    );
  }

  #isShown({ id }) {
    const groups = this.#groups.get(id);
    return [...this.#filters.querySelectorAll("select")].every(({ name, value }) => !value || groups?.[name]?.id === value);
  }

  /** Offer categories and grading periods, or to ask again where Schoology doesn't name them now. */
  async #addFilters() {
    const { items, live } = await this.#context.api.assignments().catch((error) => this.#without(error));
    this.#groups = new Map(items.map(({ id, category, period }) => [id, { category, period }]));
    const choices = [
      ["category", "Category", "All categories"],
      ["period", "Grading period", "All grading periods"],
    ].map((choice) => this.#choice(...choice)).filter(Boolean);
    this.#filters.replaceChildren(...(live ? choices : [this.#unfiltered()]));
    show(this.#filters, !live || choices.length > 0);
  }

  /** Do without filters where the assignments cannot be read now. */
  #without(error) {
    this.#context.ended(error);
    return { items: [], live: false };
  }

  #unfiltered() {
    const again = button("Try again", () => this.#addFilters(), { class: "link" });
    return h("p", { class: "quiet", role: "status" }, "Schoology can't be read right now, so you can't choose a category. ", again);
  }

  #choice(name, label, all) {
    const shown = this.#book.columns.map(({ id }) => this.#groups.get(id)?.[name]).filter(Boolean);
    const options = new Map(shown.map(({ id, title }) => [id, title?.trim() || `${label} ${id}`]));
    if (options.size < 2) return null;
    const id = `${this.#noteId}-${name}`;
    const select = h(
      "select",
      { id, name, onchange: () => this.#render() },
      h("option", { value: "" }, all),
      [...options].map(([value, title]) => h("option", { value }, title)),
    );
    return h("div", {}, h("label", { for: id }, label), select);
  }
}
