// Show which SIS section a section goes to, and change it.

import { announce, button, h } from "../dom.js";
import { dateOf, SIS } from "../words.js";
import { attemptsOf } from "./attempts.js";

export class LinkPart {
  #context;
  #facts = h("dl");
  #attempts;
  #sis = h("input", { id: "sis-section", autocomplete: "off" });
  #teacher = h("input", { id: "sis-teacher", autocomplete: "off" });

  constructor(context, section) {
    this.#context = context;
    this.#attempts = attemptsOf(context);
    this.id = section.id;
    this.element = h("div", {}, this.#facts, context.may("sections:write") && this.#form());
    this.#render(section);
  }

  open() {}

  #render({ id, code, school, sis_section: linked, teacher, chosen }) {
    const facts = [
      ["Section in Schoology", id],
      ["School", school ? this.#context.schools.label(school) : "not read yet"],
      ["School code", code ?? "none"],
      [`Section in ${SIS}`, linked ? linked.id : "found by the first sync"],
      linked && ["Term", `${dateOf(linked.term_first)} to ${dateOf(linked.term_last)}`],
      teacher && [`Teacher in ${SIS}`, teacher],
      ["How it was found", chosen ? "set by the district" : "by the school code"],
    ].filter(Boolean);
    this.#facts.replaceChildren(...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
    this.#sis.value = chosen && linked ? linked.id : "";
    this.#teacher.value = teacher ?? "";
  }

  #form() {
    const fields = [
      [`Section in ${SIS} (empty: by the school code)`, this.#sis],
      [`Teacher in ${SIS} who acts for it (empty: found there)`, this.#teacher],
    ].map(([text, input]) => h("div", {}, h("label", { for: input.id }, text), input));
    return h(
      "form",
      { class: "form", onsubmit: (event) => this.#save(event) },
      fields,
      h("p", { class: "note" }, "What was sent to another section stays there. The next sync sends everything."),
      h("div", { class: "actions" }, button("Save the link", null, { type: "submit" })),
      this.#attempts.notice,
    );
  }

  #save(event) {
    event.preventDefault();
    const body = { sis_section: this.#sis.value.trim() || null, teacher: this.#teacher.value.trim() || null };
    return this.#attempts.run(async () => {
      this.#render(await this.#context.http.json(`sections/${encodeURIComponent(this.id)}`, { method: "PUT", body }));
      announce("The link was saved.");
    });
  }
}
