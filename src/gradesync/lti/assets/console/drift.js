// Compare a section in both systems, and decide about the scores that somebody changed in the SIS.

import { announce, button, h } from "../dom.js";
import { choicesAfter, outcomeOf, STATES } from "../edits.js";
import { differingFields } from "../fields.js";
import { pager } from "../paging.js";
import { nameOf } from "../problems.js";
import { count, isolated, number, SIS } from "../words.js";
import { attemptsOf } from "./attempts.js";
import { tableOf } from "./table.js";

const FIELDS = `Decisions are for scores. What somebody changed in ${SIS} of an assignment itself stays there until the assignment changes in Schoology, too. A full sync puts all of Schoology's back.`;

export class DriftPart {
  #context;
  #attempts;
  #path;
  #api;
  #counts = h("div");
  #edits = h("div");
  #settled = null;
  #pages;
  #compare = button("Compare now", () => this.#start());

  constructor(context, section) {
    this.#context = context;
    this.#attempts = attemptsOf(context);
    this.#path = `sections/${encodeURIComponent(section)}`;
    this.#api = context.section(section);
    this.#pages = pager(context, (cursor) => this.#api.drift(cursor), (page) => this.#add(page), "Show more scores");
    const note = "A comparison writes to neither system, and keeps no sync waiting.";
    this.element = h(
      "div",
      {},
      this.#counts,
      context.may("syncs:write") && h("div", { class: "actions" }, this.#compare, h("span", { class: "note" }, note)),
      this.#attempts.notice,
      h("section", { class: "part" }, h("h4", {}, `Scores that somebody changed in ${SIS}`), this.#edits, this.#pages.more),
    );
  }

  open() {
    return this.#attempts.run(async () => {
      const { items } = await this.#context.http.json(`${this.#path}/comparisons?limit=1`);
      this.#settled = items[0] ?? null;
      this.#showComparison(this.#settled);
      await this.#openEdits();
    });
  }

  #showComparison(comparison) {
    this.#counts.replaceChildren(...(comparison ? this.#partsOf(comparison) : [h("p", { class: "quiet" }, "Not compared in the last 30 days.")]));
  }

  #partsOf({ status, requested_at, counts, cells, edits, fields, error }) {
    if (status === "processing") return [h("p", { class: "quiet" }, "Comparing…")];
    const when = h("p", { class: "when" }, `Compared ${this.#context.times.near(requested_at)}: ${count(cells, "score")}`);
    if (error) return [when, h("p", { class: "text" }, `${error.explanation} ${error.fix}`)];
    const facts = [...STATES].filter(([state]) => counts[state] > 0).flatMap(([state, { words }]) => [h("dt", {}, words), h("dd", {}, number(counts[state]))]);
    const differing = differingFields({ fields }, "h4");
    const parts = [facts.length > 0 && h("dl", {}, facts), edits.summary && h("p", { class: "text" }, edits.summary), differing];
    return [when, ...parts, differing && h("p", { class: "note" }, FIELDS)].filter(Boolean);
  }

  #start() {
    return this.#attempts.run(async () => {
      this.#compare.setAttribute("aria-disabled", "true");
      this.#showComparison({ status: "processing" });
      try {
        this.#settled = await this.#api.runComparison();
        announce("The comparison is complete.");
      } finally {
        this.#showComparison(this.#settled);
        this.#compare.removeAttribute("aria-disabled");
      }
      await this.#openEdits();
    });
  }

  #openEdits() {
    this.#edits.replaceChildren();
    return this.#pages.restart();
  }

  #add({ items }) {
    if (items.length) this.#edits.append(tableOf(`Scores changed in ${SIS}`, this.#columns(), items));
    if (!this.#edits.childElementCount) this.#edits.append(h("p", { class: "quiet" }, "None is known."));
    return null;
  }

  #columns() {
    return [
      ["Assignment", ({ assignment: { id, title } }) => isolated(title ?? `Assignment ${id}`)],
      ["Student", ({ student }) => nameOf(student)],
      ["As sent", ({ sent }) => sent ?? "blank"],
      [`In ${SIS}`, ({ sis }) => sis ?? "blank"],
      ["In Schoology", ({ schoology }) => schoology ?? "blank"],
      ["Decision", (edit) => this.#decisionOf(edit)],
    ];
  }

  #decisionOf(edit) {
    const words = h("p", { class: "note" });
    const actions = h("div", { class: "actions" });
    const render = (choice) => {
      words.textContent = outcomeOf(choice) || "Nothing decided yet.";
      if (this.#context.may("syncs:write")) actions.replaceChildren(...this.#buttonsOf(edit, choice, render));
    };
    render(edit.choice);
    return [words, actions];
  }

  #buttonsOf(edit, choice, render) {
    const about = `${isolated(edit.assignment.title ?? edit.assignment.id)}, ${nameOf(edit.student)}`;
    const offered = choicesAfter(choice).filter(([key]) => key !== choice);
    return offered.map(([key, words]) =>
      button(words, () => this.#decide(edit, key, render), { class: "link", "aria-label": `${words}: ${about}` }),
    );
  }

  #decide({ assignment, sis_student }, choice, render) {
    return this.#attempts.run(async () => {
      const decisions = [{ assignment: assignment.id, sis_student, choice }];
      await this.#context.http.json(`${this.#path}/drift`, { method: "POST", body: { decisions } });
      render(choice === "resume" ? null : choice);
      announce("The decision was saved. The next sync acts on it.");
    });
  }
}
