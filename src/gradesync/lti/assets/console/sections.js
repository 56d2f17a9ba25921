// Find sections, and show one.

import { button, h, sign } from "../dom.js";
import { pager } from "../paging.js";
import { count, isolated } from "../words.js";
import { linkTo } from "./fragments.js";
import { pageOf } from "./section.js";
import { STATES, stateOf } from "./states.js";
import { tableOf } from "./table.js";

const ROWS = 50;
const REASONS_SHOWN = 2;
const WORDS = [
  ["title", "Title"],
  ["code", "School code"],
  ["teacher", "Teacher"],
];
// Filters that have no field: links of other views set them. They are shown, and can be taken away.
const SET = ["term"];

export function create(context) {
  const list = new SectionList(context);
  const element = h("div");
  return {
    element,
    async open({ rest: [section], query }) {
      element.replaceChildren(); // a section that cannot be read leaves no other one standing
      element.replaceChildren(section ? await pageOf(context, section) : list.element);
      if (!section) await list.open(Object.fromEntries(query));
    },
  };
}

class SectionList {
  #context;
  #query = {};
  #pages;
  #inputs = WORDS.map(([name, words]) => [name, words, h("input", { type: "search", id: `section-${name}`, autocomplete: "off" })]);
  #state = this.#select("section-state");
  #school = this.#select("section-school");
  #reason = this.#select("section-reason");
  #set = h("ul", { class: "filters", "aria-label": "Filters" });
  #rows = h("div");
  #quiet = h("p", { class: "quiet", role: "status" });

  constructor(context) {
    this.#context = context;
    this.#pages = pager(context, (cursor) => this.#read(cursor), (page) => this.#add(page), "Show more sections");
    const states = STATES.map(({ filter, words }) => h("option", { value: filter }, words));
    this.#state.append(h("option", { value: "" }, "All"), ...states);
    const choices = [
      ["School", this.#school],
      ["Last sync", this.#state],
      ["Reason of the last sync", this.#reason],
    ];
    const form = h(
      "form",
      { class: "controls", role: "search", onsubmit: (event) => this.#submit(event) },
      this.#inputs.map(([, words, input]) => h("div", {}, h("label", { for: input.id }, words), input)),
      choices.map(([words, select]) => h("div", {}, h("label", { for: select.id }, words), select)),
      h("div", { class: "submit" }, button("Search", null, { type: "submit" })),
    );
    this.element = h("div", {}, form, this.#set, this.#rows, this.#quiet, this.#pages.more);
  }

  async open(query) {
    this.#query = query;
    for (const [name, , input] of this.#inputs) input.value = query[name] ?? "";
    this.#state.value = query.state ?? "";
    const { schools, reasons } = await this.#context.http.json("overview");
    this.#offer(this.#school, schools.map(({ school }) => school).filter(Boolean), query.school, (id) => this.#context.schools.option(id));
    const titles = new Map(reasons.map(({ reason: { code, title } }) => [code, title]));
    this.#offer(this.#reason, [...titles.keys()], query.reason, (code) => h("option", { value: code }, titles.get(code) ?? code));
    this.#set.replaceChildren(...SET.filter((name) => query[name]).map((name) => this.#chip(name)));
    this.#rows.replaceChildren();
    await this.#pages.restart();
  }

  #select(id) {
    return h("select", { id, onchange: () => this.#find() });
  }

  /** Offer what the last syncs have, and what is chosen, which may have gone since. */
  #offer(select, values, chosen = "", optionOf) {
    const all = new Set([...values, ...(chosen ? [chosen] : [])]);
    select.replaceChildren(h("option", { value: "" }, "Any"), ...[...all].map(optionOf));
    select.value = chosen;
  }

  #chip(name) {
    const { [name]: value, ...others } = this.#query;
    const remove = h("span", { class: "unseen" }, "Remove the filter ");
    return h("li", {}, h("a", { href: linkTo("sections", [], others) }, remove, `${name}: ${value.replaceAll("-", " ")}`, h("span", { "aria-hidden": "true" }, " ×")));
  }

  #submit(event) {
    event.preventDefault();
    this.#find();
  }

  #find() {
    const texts = Object.fromEntries(this.#inputs.map(([name, , input]) => [name, input.value.trim()]));
    const choices = { state: this.#state.value, school: this.#school.value, reason: this.#reason.value };
    location.hash = linkTo("sections", [], { ...this.#query, ...texts, ...choices });
  }

  #read(cursor) {
    const query = new URLSearchParams({ limit: ROWS, ...this.#query, ...(cursor && { cursor }) });
    return this.#context.http.json(`sections?${query}`);
  }

  #add({ items }) {
    if (items.length) this.#rows.append(tableOf("Sections", columnsOf(this.#context.schools), items));
    this.#quiet.textContent = this.#rows.childElementCount ? "" : "No section was found.";
    return null;
  }
}

const columnsOf = (schools) => [
  ["Section", ({ id, title }) => h("a", { href: linkTo("sections", [id]) }, isolated(title || `Section ${id}`))],
  ["Teacher", ({ teachers }) => teachers.map(({ id, name }) => isolated(name || id)).join(", ")],
  ["School", ({ school }) => school && schools.label(school)],
  ["School code", ({ code }) => code ?? ""],
  ["Last sync", ({ latest }) => standing(stateOf(latest?.result ?? "never-synced"))],
  ["Needs attention", ({ latest }) => reasonsOf(latest?.reasons ?? [])],
];

/** Name the reasons that most of it has; the section's page has all. */
function reasonsOf(reasons) {
  const more = reasons.length - REASONS_SHOWN;
  const titles = reasons.slice(0, REASONS_SHOWN).map(({ reason }) => reason.title);
  return [...titles, more > 0 && `and ${count(more, "more", "more")}`].filter(Boolean).map((text) => h("p", { class: "note" }, text));
}

const standing = ({ sign: kind, words }) => h("span", { class: "status" }, sign(kind), words);
