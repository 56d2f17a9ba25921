// Show *Assignments*: the state of each in the SIS, and its switch.

import { announce, button, h, show, sign } from "./dom.js";
import { dateOf, number } from "./words.js";

const STATES = {
  problem: ["problem", "Problem"],
  "changes-waiting": ["waiting", "Changes waiting"],
  "never-synced": ["off", "Never synced"],
  synced: ["ok", "Synced"],
  "opted-out": ["off", "Opted out"],
};

export class AssignmentsView {
  #context;
  #items = [];
  #filter = null;
  #filters = h("div", { class: "filters", role: "group", "aria-label": "Show" });
  #notice = h("p", { class: "notice", role: "alert", hidden: true });
  #quiet = h("p", { class: "quiet" });
  #list = h("ul", { class: "assignments" });

  constructor(context) {
    this.#context = context;
    this.element = h("div", {}, this.#notice, this.#filters, this.#quiet, this.#list);
  }

  async open() {
    if (this.#items.length === 0) this.#quiet.textContent = "Reading…";
    try {
      const listing = await this.#context.api.assignments();
      this.#items = listing.items;
      this.#quiet.textContent = this.#about(listing);
      show(this.#notice, false);
      this.#render();
    } catch (error) {
      if (this.#context.ended(error)) return;
      this.#quiet.textContent = "";
      this.#notify(`${error.title} ${error.fix}`);
    }
  }

  #about({ items, live, as_of }) {
    if (items.length === 0) return "There are no assignments in this course yet.";
    if (live) return "";
    const when = as_of ? this.#context.times.near(as_of) : "at the last sync";
    return `Schoology isn't responding right now. This is what was known ${when}.`;
  }

  #render() {
    const present = Object.keys(STATES).filter((state) => this.#items.some((item) => item.state === state));
    if (!present.includes(this.#filter)) this.#filter = null;
    const chips = [[null, "All", this.#items.length]].concat(
      present.map((state) => [state, STATES[state][1], this.#items.filter((item) => item.state === state).length]),
    );
    const focused = [...this.#filters.children].indexOf(document.activeElement);
    this.#filters.replaceChildren(...chips.map((chip) => this.#chip(...chip)));
    if (focused >= 0) this.#filters.children[Math.min(focused, chips.length - 1)].focus();
    show(this.#filters, present.length > 1);
    const shown = this.#items.filter((item) => !this.#filter || item.state === this.#filter);
    this.#list.replaceChildren(...shown.map((item) => this.#row(item)));
  }

  #chip(state, text, n) {
    const choose = () => {
      this.#filter = state;
      this.#render();
    };
    const pressed = String(this.#filter === state);
    return h("button", { type: "button", "aria-pressed": pressed, onclick: choose }, text, h("span", {}, number(n)));
  }

  #row(item) {
    const [kind, words] = STATES[item.state];
    const title = item.title ?? `Assignment ${item.id}`;
    const facts = [
      item.category?.title?.trim(),
      item.points !== null && `${item.points} ${item.points === "1" ? "point" : "points"}`,
      item.due && `due ${dateOf(item.due)}`,
    ].filter(Boolean);
    const synced = item.last_sent && `Last sent ${this.#context.times.near(item.last_sent)}`;
    return h(
      "li",
      {},
      h(
        "div",
        { class: "what" },
        h("p", { class: "title" }, title),
        h("p", { class: "note" }, facts.join(" · ")),
        item.problem && h("p", { class: "fix" }, `${item.problem.explanation} ${item.problem.fix}`),
      ),
      h("div", { class: "state" }, sign(kind), h("div", {}, words, synced && h("p", { class: "note" }, synced))),
      this.#switch(item, title),
    );
  }

  #switch(item, title) {
    if (!this.#context.session.may_sync) return h("span", { class: "note" }, item.sync_to_sis ? "On" : "Off");
    const toggle = button(
      h("span", { class: "unseen" }, `Sync to SIS: ${title}`),
      () => this.#turn(item, toggle),
      { role: "switch", class: "switch", "aria-checked": String(item.sync_to_sis), title: "Sync to SIS" },
    );
    return toggle;
  }

  async #turn(item, toggle) {
    const on = toggle.getAttribute("aria-checked") !== "true";
    toggle.setAttribute("aria-checked", String(on));
    show(this.#notice, false);
    try {
      const updated = await this.#context.api.switch(item.id, on);
      const row = toggle.closest("li");
      const focused = document.activeElement === toggle;
      this.#items = this.#items.map((each) => (each.id === updated.id ? updated : each));
      this.#replace(row, updated, focused);
      announce(`${updated.title}: ${STATES[updated.state][1]}`);
    } catch (error) {
      if (this.#context.ended(error)) return;
      toggle.setAttribute("aria-checked", String(!on));
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
