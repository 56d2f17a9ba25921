// Map categories of all sections by title: what goes nowhere, the rules, and what a change of them would do.

import { announce, button, focusOn, h } from "../dom.js";
import { count, isolated, number, SIS } from "../words.js";
import { attemptsOf } from "./attempts.js";
import { linkTo } from "./fragments.js";
import { tableOf } from "./table.js";

export function create(context) {
  const view = new CategoriesView(context);
  return { element: view.element, open: () => view.open() };
}

/** Return a title as rules compare it. */
const plain = (title) => title.trim().toLowerCase();

class CategoriesView {
  #context;
  #attempts;
  #unmapped = h("section", { class: "part" });
  #preview = h("section", { class: "part", hidden: true });
  #rules = h("section", { class: "part" });
  #pickers = new Map();

  constructor(context) {
    this.#context = context;
    this.#attempts = attemptsOf(context);
    this.element = h("div", {}, this.#unmapped, this.#attempts.notice, this.#preview, this.#rules);
  }

  async open() {
    const [found, { rules }] = await Promise.all([this.#context.http.json("categories/unmapped"), this.#read()]);
    this.#preview.hidden = true;
    this.#showUnmapped(found, rules);
    this.#showRules(rules);
  }

  get #mayChange() {
    return this.#context.may("sections:write");
  }

  #read() {
    return this.#context.http.json("categories/titles");
  }

  #showUnmapped({ items, sis_titles }, rules) {
    this.#pickers.clear();
    const columns = [
      ["Schoology category", ({ title }) => isolated(title)],
      ["Sections", ({ sections }) => number(sections)],
      ["Assignments that don't sync", ({ items: several }) => number(several)],
    ];
    if (this.#mayChange) columns.push([`${SIS} category`, ({ title }) => this.#picker(title, sis_titles, rules)]);
    const note = "As the last sync of each section read them. A new rule counts from the next sync on.";
    this.#unmapped.replaceChildren(
      h("h3", {}, "Titles that go nowhere"),
      h("p", { class: "note" }, items.length ? note : "Every category goes somewhere, as the last syncs read them."),
      items.length ? tableOf("Titles that go nowhere", columns, items) : "",
      this.#mayChange && items.length ? h("div", { class: "actions" }, button("Show what would change", () => this.#previewPicks())) : "",
    );
  }

  #picker(title, sisTitles, rules) {
    const rule = rules.find((each) => plain(each.title) === plain(title));
    const known = sisTitles.map((sis) => [sis.title, `${isolated(sis.title)} (${count(sis.sections, "section")})`]);
    const others = rule && !known.some(([sis]) => plain(sis) === plain(rule.sis_title)) ? [[rule.sis_title, rule.sis_title]] : [];
    const options = [...others, ...known].map(([sis, words]) =>
      h("option", { value: sis, selected: Boolean(rule) && plain(sis) === plain(rule.sis_title) }, words),
    );
    const select = h("select", { "aria-label": `${SIS} category of ${isolated(title)}` }, h("option", { value: "" }, "No rule"), options);
    this.#pickers.set(title, select);
    return select;
  }

  #showRules(rules) {
    const columns = [
      ["Schoology category", ({ title }) => isolated(title)],
      [`${SIS} category`, ({ sis_title }) => isolated(sis_title)],
    ];
    if (this.#mayChange) columns.push(["", (rule) => this.#remover(rule)]);
    const none = h("p", { class: "quiet" }, "There are no rules. Categories of equal titles pair by themselves.");
    this.#rules.replaceChildren(h("h3", {}, "Rules by title"), rules.length ? tableOf("Rules by title", columns, rules) : none);
  }

  #remover({ title }) {
    const remove = () => this.#previewWith([[title, ""]]);
    return button("Remove", remove, { class: "link", "aria-label": `Remove the rule of ${isolated(title)}` });
  }

  #previewPicks() {
    return this.#previewWith([...this.#pickers].map(([title, select]) => [title, select.value]));
  }

  /** Show what the rules would change with these picks: pairs of title and SIS title, which is empty for no rule. */
  #previewWith(picks) {
    return this.#attempts.run(async () => {
      const picked = new Set(picks.map(([title]) => plain(title)));
      const { rules: before } = await this.#read();
      const kept = before.filter(({ title }) => !picked.has(plain(title)));
      const added = picks.filter(([, sis]) => sis).map(([title, sis_title]) => ({ title, sis_title }));
      const rules = [...kept, ...added];
      const found = await this.#context.http.json("categories/titles/preview", { method: "POST", body: { rules } });
      this.#showPreview(found, rules);
    });
  }

  #showPreview({ sections, items, changes }, rules) {
    const heading = h("h3", {}, "What would change");
    const words = sections
      ? `${count(items, "assignment")} in ${count(sections, "section")} would go elsewhere.`
      : "Nothing would change in the sections as they are. A rule also counts for sections of later terms.";
    const more = sections > 0 && changes.length < sections && "The first of them:";
    this.#preview.replaceChildren(
      heading,
      h("p", { class: "text" }, [words, more].filter(Boolean).join(" ")),
      changes.length ? tableOf("What would change", CHANGES, changes) : "",
      h(
        "div",
        { class: "actions" },
        button("Keep these rules", () => this.#keep(rules)),
        button("Change nothing", () => (this.#preview.hidden = true), { class: "link" }),
      ),
    );
    this.#preview.hidden = false;
    focusOn(heading);
  }

  #keep(rules) {
    return this.#attempts.run(async () => {
      await this.#context.http.json("categories/titles", { method: "PUT", body: { rules } });
      await this.open();
      announce("The rules were saved.");
    });
  }
}

const CHANGES = [
  ["Section", ({ section_id: id, section }) => h("a", { href: linkTo("sections", [id]) }, isolated(section ?? `Section ${id}`))],
  ["Schoology category", ({ category }) => isolated(category)],
  ["Assignments", ({ items }) => number(items)],
  ["Now", ({ before }) => isolated(before ?? "None")],
  ["Then", ({ after }) => isolated(after ?? "None: they wouldn't sync")],
];
