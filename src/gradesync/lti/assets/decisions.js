// List the scores that someone changed in the SIS, and let a teacher decide which one is right.

import { announce, button, h, show } from "./dom.js";
import { choicesAfter, outcomeOf } from "./edits.js";
import { pager } from "./paging.js";
import { nameOf, NAMES_MISSING, titleOf } from "./problems.js";
import { count, SIS } from "./words.js";

const MOST_DECISIONS = 500;
const NONE = "None that a sync would change.";

export class DecisionsPart {
  #context;
  #edits = [];
  #about = h("p", { class: "quiet" });
  #notice = h("p", { class: "notice", role: "alert", hidden: true });
  #all = h("div", { class: "actions", role: "group", "aria-label": "Decide about all that are undecided", hidden: true });
  #list = h("ul", { class: "decisions" });
  #pages;

  constructor(context) {
    this.#context = context;
    this.#pages = pager(context, (cursor) => context.api.drift(cursor), (page, first) => this.#add(page, first));
    const heading = h("h2", {}, `Scores that someone changed in ${SIS}`);
    this.element = h("section", { class: "part" }, heading, this.#about, this.#notice, this.#all, this.#list, this.#pages.more);
  }

  /** Read the list anew. What is known of it stays until then. */
  async open() {
    await this.#pages.restart();
  }

  #clear() {
    this.#edits = [];
    this.#list.replaceChildren();
  }

  #add({ items, compared_at, names_unavailable }, first) {
    if (first) this.#clear();
    const edits = items.map((edit) => ({ ...edit, row: h("li") }));
    for (const edit of edits) this.#render(edit);
    this.#edits.push(...edits);
    this.#list.append(...edits.map(({ row }) => row));
    const none = compared_at ? NONE : "None is known. Compare to look for them.";
    const some = "Choose which score is right. The next sync acts on it, and until then you can choose again. What a sync leaves alone isn't listed.";
    this.#about.textContent = [this.#edits.length ? some : none, names_unavailable && NAMES_MISSING].filter(Boolean).join(" ");
    this.#offerAll();
    return null;
  }

  #render(edit) {
    const { assignment, student, sent, sis, schoology, choice } = edit;
    const title = titleOf({ assignment });
    const value = (text) => text ?? "blank";
    const values = [`${SIS}: ${value(sis)}`, `Schoology: ${value(schoology)}`, schoology !== sent && `sent: ${value(sent)}`];
    edit.row.replaceChildren(
      h("p", {}, h("span", { class: "title" }, nameOf(student)), " · ", title),
      h("p", { class: "note" }, values.filter(Boolean).join(" · ")),
      h("div", { class: "actions choices" }, this.#buttonsOf(edit, `${nameOf(student)}, ${title}`)),
      h("p", { class: "quiet" }, outcomeOf(choice)),
    );
  }

  #buttonsOf(edit, about) {
    return choicesAfter(edit.choice).map(([key, words]) =>
      button(words, () => edit.choice === key || this.#decide([edit], key), {
        "aria-pressed": String(edit.choice === key),
        "aria-label": `${words}: ${about}`,
      }),
    );
  }

  /** Offer one decision for all scores that none was taken about. */
  #offerAll() {
    const open = this.#edits.filter(({ choice }) => choice === null).slice(0, MOST_DECISIONS);
    show(this.#all, open.length > 1);
    this.#all.replaceChildren(
      h("span", { class: "note" }, `All ${count(open.length, "score")} without a choice here:`),
      ...choicesAfter().map(([key, words]) => button(words, () => this.#decide(open, key))),
    );
  }

  async #decide(edits, choice) {
    const focused = document.activeElement?.getAttribute("aria-label");
    try {
      await this.#context.api.decide(
        edits.map(({ assignment, sis_student }) => ({ assignment: assignment.id, sis_student, choice })),
      );
      for (const edit of edits) {
        edit.choice = choice === "resume" ? null : choice;
        this.#render(edit);
      }
      show(this.#notice, false);
      this.#offerAll();
      const again = [...edits[0].row.querySelectorAll("button")];
      (again.find((each) => each.getAttribute("aria-label") === focused) ?? again[0]).focus();
      announce(`${count(edits.length, "decision")} saved. ${outcomeOf(choice)}`);
    } catch (error) {
      if (!this.#context.ended(error)) show(this.#notice, true).textContent = `${error.title} ${error.fix}`;
    }
  }
}
