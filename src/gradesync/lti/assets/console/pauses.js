// Show what the district has paused; pause a school, a section or all, and resume it.

import { button, h } from "../dom.js";
import { isolated } from "../words.js";
import { attemptsOf } from "./attempts.js";
import { whereOf } from "./schools.js";
import { tableOf } from "./table.js";

export class PausesPart {
  #context;
  #attempts;
  #list = h("div");
  #reason = h("input", { id: "pause-reason", autocomplete: "off", required: true, maxlength: 300 });
  #school = h("input", { id: "pause-school", autocomplete: "off" });
  #section = h("input", { id: "pause-section", autocomplete: "off" });

  constructor(context) {
    this.#context = context;
    this.#attempts = attemptsOf(context);
    const form = context.may("district:write") && this.#form();
    this.element = h("section", { class: "part" }, h("h3", {}, "Pauses"), this.#list, form, this.#attempts.notice);
  }

  async open() {
    const { items } = await this.#context.http.json("pause");
    const columns = [
      ["Paused", ({ level, school, section }) => whereOf(this.#context, level, { school, section })],
      ["Why, as teachers read it", ({ reason }) => isolated(reason)],
      ["Since", ({ paused_at }) => this.#context.times.whole(paused_at)],
      ["", ({ id }) => this.#context.may("district:write") && button("Resume", () => this.#resume(id), { class: "link" })],
    ];
    this.#list.replaceChildren(items.length ? tableOf("Pauses", columns, items) : h("p", { class: "quiet" }, "Nothing is paused."));
  }

  #form() {
    const fields = [
      ["Why, as teachers read it", [this.#reason]],
      ["Only this school (its id in Schoology)", this.#context.schools.suggest(this.#school)],
      ["Only this section (its id in Schoology)", [this.#section]],
    ].map(([text, [input, ...more]]) => h("div", {}, h("label", { for: input.id }, text), input, more));
    const submit = button("Pause syncs", null, { type: "submit", class: "grave" });
    return h("form", { class: "form", onsubmit: (event) => this.#pause(event) }, fields, h("div", { class: "actions" }, submit));
  }

  #pause(event) {
    event.preventDefault();
    const texts = { reason: this.#reason, school: this.#school, section: this.#section };
    const body = Object.fromEntries(Object.entries(texts).map(([name, input]) => [name, input.value.trim() || null]));
    return this.#attempts.run(async () => {
      await this.#context.http.json("pause", { method: "POST", body });
      event.target.reset();
      await this.open();
    });
  }

  #resume(id) {
    return this.#attempts.run(async () => {
      await this.#context.http.json(`pause/${encodeURIComponent(id)}`, { method: "DELETE" });
      await this.open();
    });
  }
}
