// *Assignments*: where each stands with the SIS, and its switch.

import { button, h, say, show, sign } from "./dom.js";
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
      const found = await this.#context.api.assignments();
      this.#items = found.items;
      this.#quiet.textContent = this.#about(found);
      show(this.#notice, false);
      this.#render();
    } catch (error) {
      if (this.#context.ended(error)) return;
      this.#quiet.textContent = "";
      this.#say(`${error.title} ${error.fix}`);
    }
  }

  #about({ items, live, as_of }) {
    if (items.length === 0) return "There are no assignments in this course yet.";
    if (live) return "";
    const when = as_of ? this.#context.times.near(as_of) : "at the last sync";
    return `Schoology does not answer just now. This is what was known ${when}.`;
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
    const synced = item.last_synced && `Synced ${this.#context.times.near(item.last_synced)}`;
    return h(
      "li",
      {},
      h(
        "div",
        { class: "what" },
        h("p", { class: "title" }, title),
        h("p", { class: "note" }, facts.join(" · ")),
        item.problem && h("p", { class: "fix" }, `${item.problem.title} ${item.problem.fix}`),
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
      const told = await this.#context.api.switch(item.id, on);
      const row = toggle.closest("li");
      const focused = document.activeElement === toggle;
      this.#items = this.#items.map((each) => (each.id === told.id ? told : each));
      this.#replace(row, told, focused);
      say(`${told.title}: ${STATES[told.state][1]}`);
    } catch (error) {
      if (this.#context.ended(error)) return;
      toggle.setAttribute("aria-checked", String(!on));
      this.#say(`${error.title} ${error.fix}`);
    }
  }

  /** Renews one row in its place: it does not leave the list under the hand that switched it. */
  #replace(row, item, focused) {
    const renewed = this.#row(item);
    row.replaceWith(renewed);
    if (focused) renewed.querySelector("[role=switch]").focus();
  }

  #say(text) {
    show(this.#notice, true).textContent = text;
  }
}
