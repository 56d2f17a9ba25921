// Put back what a sync changed: first a preview, then the undo itself with its reason.

import { button, h, show } from "../dom.js";
import { outcomesOf, resultHead } from "../outcomes.js";
import { isGuarded, resultOf, sent, stageOf } from "../words.js";
import { attemptsOf } from "./attempts.js";

const ABOUT = "An undo puts back what stood before this sync, and leaves what changed since. Correct Schoology too: the next change there is sent again.";

/** Return the part that undoes a settled sync; null where the person may not, or nothing was sent. */
export function undoOf(context, teacher, sync) {
  if (!context.may("syncs:write") || sync.dry_run || !sent(sync)) return null;
  return new UndoPart(context, teacher, sync).element;
}

class UndoPart {
  #context;
  #teacher;
  #sync;
  #attempts;
  #approve = {};
  #reason = h("input", { id: "undo-reason", maxlength: 300, required: true, autocomplete: "off" });
  #preview = button("Preview an undo", () => this.#run({ dry_run: true }));
  #form;
  #result = h("div", { role: "status" });

  constructor(context, teacher, sync) {
    this.#context = context;
    this.#teacher = teacher;
    this.#sync = sync;
    this.#attempts = attemptsOf(context);
    const act = (event) => {
      event.preventDefault();
      this.#run({ reason: this.#reason.value.trim(), ...this.#approve });
    };
    const label = h("label", { for: this.#reason.id }, "Reason for the undo, which the history keeps");
    const submit = button("Put it back", null, { type: "submit", class: "grave" });
    this.#form = h("form", { class: "form", hidden: true, onsubmit: act }, h("div", {}, label, this.#reason), h("div", { class: "actions" }, submit));
    const body = [h("p", { class: "text" }, ABOUT), h("div", { class: "actions" }, this.#preview), this.#attempts.notice, this.#result, this.#form];
    this.element = h("details", { class: "part" }, h("summary", {}, h("h3", {}, "Undo this sync")), body);
  }

  #run(wanted) {
    return this.#attempts.run(async () => {
      const path = `sections/${encodeURIComponent(this.#sync.section_id)}/undo`;
      const started = await this.#context.http.json(path, { method: "POST", body: { sync: this.#sync.id, ...wanted } });
      show(this.#form, false);
      const settled = await this.#teacher.api.follow(started.id, (state) => {
        this.#result.textContent = stageOf(state);
      });
      this.#result.replaceChildren(...[...resultHead(resultOf(settled)), outcomesOf(this.#teacher, settled)].filter(Boolean));
      this.#approve = isGuarded(settled) ? { approve: settled.fingerprint } : {};
      show(this.#form, settled.dry_run && !settled.error);
    });
  }
}
