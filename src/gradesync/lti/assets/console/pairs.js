// Show which SIS category each category of a section goes to, with a picker for each.

import { announce, button, h, sign } from "../dom.js";
import { count, isolated, SIS } from "../words.js";
import { attemptsOf } from "./attempts.js";
import { linkTo } from "./fragments.js";
import { tableOf } from "./table.js";

export class PairsPart {
  #context;
  #path;
  #body = h("div");
  #attempts;
  #pickers = new Map();

  constructor(context, section) {
    this.#context = context;
    this.#attempts = attemptsOf(context);
    this.#path = `sections/${encodeURIComponent(section)}/categories`;
    this.element = h("div", {}, this.#body, this.#attempts.notice);
  }

  async open() {
    await this.#attempts.run(async () => this.#render(await this.#context.http.json(this.#path)));
  }

  #render({ items, sis_categories, unmapped, live, as_of }) {
    const open = new Set(unmapped);
    const sorted = [...items.filter(({ id }) => open.has(id)), ...items.filter(({ id }) => !open.has(id))];
    const columns = [
      ["Schoology category", ({ id, title }) => isolated(title ?? `Category ${id}`)],
      [`${SIS} category`, (item) => (this.#context.may("sections:write") ? this.#picker(item, sis_categories) : titleOf(item))],
      ["Problem", ({ problem }) => problem && h("span", { class: "status" }, sign("attention"), `${problem.explanation} ${problem.fix}`)],
    ];
    this.#pickers.clear();
    const old = live || !as_of ? "" : `${SIS} isn't responding. These are its categories of ${this.#context.times.near(as_of)}.`;
    this.#body.replaceChildren(
      h("p", { class: "quiet" }, items.length ? old : "The section has no categories."),
      open.size ? h("p", { class: "text" }, count(open.size, "category goes", "categories go"), " nowhere", this.#remedy(), ".") : "",
      items.length ? tableOf("Categories of the section", columns, sorted) : "",
      this.#context.may("sections:write") && items.length
        ? h("div", { class: "actions" }, button("Save the categories", () => this.#save()))
        : "",
    );
  }

  /** Say what to do about categories that go nowhere; nothing for people who only look. */
  #remedy() {
    if (!this.#context.may("sections:write")) return "";
    return [": pick one here, or ", h("a", { href: linkTo("categories") }, "make a rule by title for all sections")];
  }

  #picker({ id, title, sis_category, chosen }, categories) {
    const byTitle = chosen || !sis_category ? "By title" : `By title: ${isolated(sis_category.title)}`;
    const picked = (category) => chosen && category.id === sis_category?.id;
    const options = categories
      .filter((category) => category.active || picked(category))
      .map((category) => h("option", { value: category.id, selected: picked(category) }, category.title));
    const select = h("select", { "aria-label": `${SIS} category of ${isolated(title ?? id)}` }, h("option", { value: "" }, byTitle), options);
    this.#pickers.set(id, select);
    return select;
  }

  #save() {
    const pairs = [...this.#pickers]
      .filter(([, select]) => select.value)
      .map(([id, select]) => ({ id, sis_category: select.value }));
    return this.#attempts.run(async () => {
      this.#render(await this.#context.http.json(this.#path, { method: "PUT", body: { pairs } }));
      announce("The categories were saved.");
    });
  }
}

const titleOf = ({ sis_category, chosen }) =>
  sis_category ? `${isolated(sis_category.title)}${chosen ? "" : " (by title)"}` : "none";
