// Show *Assignments*: the state of each in the SIS, and its switch; searched, sorted, by category.

import { announce, button, h, show } from "./dom.js";
import { kindOf, KINDS, ORDERS, rowOf, stateOf, turned } from "./row.js";
import { isolated, number, SIS } from "./words.js";

/** What an assignment is, beside its state. */
const FACTS = new Set(["title", "category", "period", "points", "due", "url"]);

export class AssignmentsView {
  #context;
  #items = [];
  #rows = new Map(); // by assignment id
  #turning = new Map(); // the last press of each switch, by assignment id
  #filter = null;
  #filters = h("div", { class: "filters", role: "group", "aria-label": "Show" });
  #search = h("input", { type: "search", id: "search", autocomplete: "off", oninput: () => this.#render() });
  #order = h("select", { id: "order", onchange: () => this.#render() });
  #category = h("select", { id: "category", onchange: () => this.#render() });
  #controls = h("div", { class: "controls", hidden: true });
  #turns = h("div", { class: "actions", hidden: true });
  #notice = h("p", { class: "notice", role: "alert", hidden: true });
  #quiet = h("p", { class: "quiet" });
  #head = h("div", { class: "list-head", "aria-hidden": "true", hidden: true });
  #list = h("ul", { class: "assignments" });

  constructor(context) {
    this.#context = context;
    this.#order.append(...[...ORDERS].map(([value, [words]]) => h("option", { value }, words)));
    this.#controls.append(
      ...[["Search", this.#search], ["Grading category", this.#category], ["Sort by", this.#order]].map(([text, control]) =>
        h("div", {}, h("label", { for: control.id }, text), control),
      ),
    );
    this.#head.append(...["Assignment", SIS, "Sync to SIS"].map((text) => h("span", {}, text)));
    this.element = h("div", {}, this.#notice, this.#filters, this.#controls, this.#turns, this.#quiet, this.#head, this.#list);
  }

  async open() {
    if (this.#items.length === 0) this.#quiet.textContent = "Reading…";
    try {
      const listing = await this.#context.api.assignments();
      this.#items = listing.live ? listing.items : listing.items.map((item) => this.#recalled(item));
      this.#quiet.textContent = this.#about(listing);
      show(this.#notice, false);
      this.#listCategories();
      this.#render();
    } catch (error) {
      if (this.#context.ended(error)) return;
      this.#quiet.textContent = "";
      this.#notify(`${error.title} ${error.fix}`);
    }
  }

  /** Add to an assignment what was read of it while Schoology responded. */
  #recalled(item) {
    const known = Object.entries(this.#items.find(({ id }) => id === item.id) ?? {}).filter(([name]) => FACTS.has(name));
    return { ...item, ...Object.fromEntries(known.filter(([name]) => item[name] === null)) };
  }

  #about({ items, live, as_of, problem }) {
    if (items.length === 0) return "There are no assignments in this course yet.";
    const why = problem && `${problem.explanation} ${problem.fix}`;
    if (live) return why ?? "";
    const when = as_of ? this.#context.times.near(as_of) : "at the last sync";
    return `${why ?? "Schoology isn't responding right now."} This is what was known ${when}.`;
  }

  #listCategories() {
    const chosen = this.#category.value;
    const found = new Map(this.#items.filter(({ category }) => category).map(({ category }) => [category.id, category.title]));
    const options = [...found].map(([value, title]) => h("option", { value }, title?.trim() ?? `Category ${value}`));
    this.#category.replaceChildren(h("option", { value: "" }, "All categories"), ...options);
    this.#category.value = found.has(chosen) ? chosen : "";
  }

  #render() {
    const present = [...KINDS.keys()].filter((kind) => this.#items.some((item) => kindOf(item) === kind));
    if (!present.includes(this.#filter)) this.#filter = null;
    const found = this.#found();
    const chips = [[null, "All", found.length]].concat(
      present.map((kind) => [kind, KINDS.get(kind), found.filter((item) => kindOf(item) === kind).length]),
    );
    const focused = [...this.#filters.children].indexOf(document.activeElement);
    this.#filters.replaceChildren(...chips.map((chip) => this.#chip(...chip)));
    if (focused >= 0) this.#filters.children[Math.min(focused, chips.length - 1)].focus();
    show(this.#filters, present.length > 1);
    show(this.#controls, this.#items.length > 1);
    const [, compare] = ORDERS.get(this.#order.value);
    const shown = found.filter((item) => !this.#filter || kindOf(item) === this.#filter).sort(compare);
    show(this.#head, shown.length > 0);
    this.#list.replaceChildren(...(shown.length || !this.#items.length ? shown.map((item) => this.#row(item)) : [NOTHING()]));
    this.#offerTurns();
  }

  /** Return the assignments of the category that match the search: the filters count these. */
  #found() {
    const text = this.#search.value.trim().toLocaleLowerCase("en-US");
    return this.#items
      .filter((item) => !this.#category.value || item.category?.id === this.#category.value)
      .filter(({ title }) => !text || (title ?? "").toLocaleLowerCase("en-US").includes(text));
  }

  #chip(kind, text, n) {
    const choose = () => {
      this.#filter = kind;
      this.#render();
    };
    const pressed = String(this.#filter === kind);
    return h("button", { type: "button", "aria-pressed": pressed, onclick: choose }, text, h("span", {}, number(n)));
  }

  #row(item) {
    const row = rowOf(this.#context, item, {
      turn: ({ id }) => this.#turn(id),
      sync: ({ id }) => this.#context.sync({ assignments: [id] }),
    });
    this.#rows.set(item.id, row);
    return row;
  }

  /** Offer to switch a whole category, where one is chosen. */
  #offerTurns() {
    const own = this.#items.filter(({ category }) => category?.id === this.#category.value);
    show(this.#turns, own.length > 0 && this.#context.session.may_sync);
    const title = this.#category.selectedOptions[0]?.textContent;
    const turns = [true, false].map((on) => {
      const others = own.filter(({ sync_to_sis }) => sync_to_sis !== on);
      const words = `Turn ${on ? "on" : "off"} all of ${isolated(title)}`;
      return button(words, () => this.#turnAll(own, title, on), { hidden: others.length === 0 });
    });
    this.#turns.replaceChildren(...turns);
  }

  async #turnAll(own, title, on) {
    show(this.#notice, false);
    try {
      const { items } = await this.#context.api.switchAll(own.map(({ id }) => id), on);
      this.#items = items;
      this.#render();
      this.#turns.querySelector("button:not([hidden])")?.focus();
      announce(turned(title, on, own.length));
    } catch (error) {
      if (!this.#context.ended(error)) this.#notify(`${error.title} ${error.fix}`);
    }
  }

  /** Turn a switch once its earlier presses are done: their answers must not show an older state. */
  #turn(id) {
    this.#turning.set(id, Promise.resolve(this.#turning.get(id)).then(() => this.#turnOnce(id)));
  }

  async #turnOnce(id) {
    const toggle = this.#rows.get(id).querySelector("[role=switch]");
    const on = toggle.getAttribute("aria-checked") !== "true";
    toggle.setAttribute("aria-checked", String(on));
    show(this.#notice, false);
    try {
      const updated = await this.#context.api.switch(id, on);
      const row = this.#rows.get(id);
      const focused = row.contains(document.activeElement) && document.activeElement.matches("[role=switch]");
      this.#items = this.#items.map((each) => (each.id === updated.id ? updated : each));
      this.#replace(row, updated, focused);
      this.#offerTurns();
      announce(`${isolated(updated.title)}: ${stateOf(updated, this.#context.times)[1]}`);
    } catch (error) {
      if (this.#context.ended(error)) return;
      this.#rows.get(id).querySelector("[role=switch]").setAttribute("aria-checked", String(!on));
      this.#notify(`${error.title} ${error.fix}`);
    }
  }

  /** Replace one row without applying the filter: it must not disappear under the pointer that switched it. */
  #replace(row, item, focused) {
    const replacement = this.#row(item);
    row.replaceWith(replacement);
    if (focused) replacement.querySelector("[role=switch]").focus();
  }

  #notify(text) {
    show(this.#notice, true).textContent = text;
  }
}

const NOTHING = () => h("li", { class: "quiet none" }, "No assignment matches.");
