// Put back what a sync changed, or an assignment or a student as they stood: first a preview, then the undo with its reason.

import { button, h, show } from "../dom.js";
import { outcomesOf, readerOf, resultHead } from "../outcomes.js";
import { unique } from "../unique.js";
import { approvalOf, isGuarded, isSendable, resultOf, sent, stageOf } from "../words.js";
import { attemptsOf } from "./attempts.js";

const LEAVES = "leaves what changed since. Correct Schoology too: the next change there is sent again.";
const OF_SYNC = `An undo puts back what stood before this sync, and ${LEAVES}`;
const OF_MOMENT = `An undo puts back what stood at a moment, and ${LEAVES} The SIS Sync Log of the section has the times of its syncs.`;
const VIEWER = "Putting scores back takes the role of an operator.";

/** Return the part that undoes a settled sync; null where the person may not, or nothing was sent. */
export function undoOf(context, teacher, sync) {
  if (!context.may("syncs:write") || sync.dry_run || !sent(sync)) return null;
  const { element } = new UndoPart(context, teacher, { about: OF_SYNC, choose: () => ({ sync: sync.id }) });
  return h("details", { class: "part" }, h("summary", {}, h("h3", {}, "Undo this sync")), element);
}

/** Return the element that puts a student's scores of a section back as they stood at a moment. */
export function undoOfStudent(context, teacher, student) {
  if (!context.may("syncs:write")) return h("p", { class: "quiet" }, VIEWER);
  const moment = new MomentField(context);
  const choose = () => ({ student, as_of: moment.value });
  return new UndoPart(context, teacher, { about: OF_MOMENT, choose, fields: [moment.element] }).element;
}

/** Show the tab that puts an assignment or a student of a section back. */
export class PutBackView {
  #teacher;
  #what = labeled("What to put back", h("select", { onchange: () => this.#choose() }));
  #student = labeled("The student's id in Schoology", h("input", { autocomplete: "off", inputmode: "numeric", pattern: "[0-9]+" }));

  constructor(context, teacher) {
    this.#teacher = teacher;
    if (!context.may("syncs:write")) {
      this.element = h("p", { class: "quiet" }, VIEWER);
      return;
    }
    const moment = new MomentField(context);
    const choose = () => ({ ...this.#chosen(), as_of: moment.value });
    this.element = new UndoPart(context, teacher, { about: OF_MOMENT, choose, fields: [this.#what, this.#student, moment.element] }).element;
    this.#choose();
  }

  /** Offer the assignments, as far as Schoology names them now. */
  async open() {
    const select = controlOf(this.#what);
    const listing = await this.#teacher.api.assignments().catch(() => ({ items: [] }));
    const chosen = select.value;
    const options = listing.items.map(({ id, title }) => h("option", { value: id }, title || `Assignment ${id}`));
    select.replaceChildren(h("option", { value: "" }, "One student's scores"), h("optgroup", { label: "One assignment's scores" }, options));
    select.value = chosen;
    this.#choose();
  }

  #choose() {
    const of_student = !controlOf(this.#what).value;
    show(this.#student, of_student);
    controlOf(this.#student).required = of_student;
  }

  #chosen() {
    const assignment = controlOf(this.#what).value;
    return assignment ? { assignment } : { student: controlOf(this.#student).value.trim() };
  }
}

/** Ask for a moment by the district's clock. */
class MomentField {
  #times;
  #input = h("input", { type: "datetime-local", max: "9999-12-31T23:59", required: true });

  constructor({ times }) {
    this.#times = times;
    this.element = labeled(`As it stood at (${times.zone})`, this.#input);
  }

  get value() {
    return this.#times.moment(this.#input.value);
  }
}

function labeled(words, control) {
  control.id = `undo-${unique()}`;
  return h("div", {}, h("label", { for: control.id }, words), control);
}

const controlOf = (element) => element.lastElementChild;

class UndoPart {
  #context;
  #teacher;
  #choose;
  #attempts;
  #previewed = null;
  #reason = h("input", { maxlength: 300, required: true, autocomplete: "off" });
  #submit = button("Put it back", null, { type: "submit", class: "grave" });
  #form;
  #result = h("div", { role: "status" });

  /** `choose` returns what is chosen in `fields`, as the API takes it. */
  constructor(context, teacher, { about, choose, fields = [] }) {
    this.#context = context;
    this.#teacher = teacher;
    this.#choose = choose;
    this.#attempts = attemptsOf(context);
    const preview = (event) => {
      event.preventDefault();
      this.#preview();
    };
    const act = (event) => {
      event.preventDefault();
      this.#run({ ...this.#previewed, reason: this.#reason.value.trim() });
    };
    const choice = h(
      "form",
      { class: "form", onsubmit: preview, oninput: () => this.#forget() },
      fields,
      h("div", { class: "actions" }, button("Preview an undo", null, { type: "submit" })),
    );
    const why = labeled("Reason for the undo, which the history keeps", this.#reason);
    this.#form = h("form", { class: "form", hidden: true, onsubmit: act }, why, h("div", { class: "actions" }, this.#submit));
    this.element = h("div", {}, h("p", { class: "text" }, about), choice, this.#attempts.notice, this.#result, this.#form);
  }

  /** Remove a preview of another choice. */
  #forget() {
    this.#previewed = null;
    this.#result.replaceChildren();
    show(this.#form, false);
  }

  #preview() {
    this.#forget();
    const chosen = this.#choose();
    return this.#run({ ...chosen, dry_run: true }, (settled) => {
      this.#previewed = { ...chosen, ...(isGuarded(settled) && { approve: settled.fingerprint }) };
      this.#submit.textContent = isGuarded(settled) ? approvalOf(settled.guard) : "Put it back";
      show(this.#form, !settled.error);
    });
  }

  /** Return what a plan that waits for approval would change; null for any other, whose outcomes have it. */
  #planOf(settled) {
    if (!isGuarded(settled) || !isSendable(settled)) return null;
    const body = h("div");
    readerOf(this.#teacher, settled)(body);
    return h("section", { class: "part" }, h("h4", {}, "What would change"), body);
  }

  #run(wanted, then = () => {}) {
    return this.#attempts.run(async () => {
      const path = `sections/${encodeURIComponent(this.#teacher.session.section)}/undo`;
      const started = await this.#context.http.json(path, { method: "POST", body: wanted });
      show(this.#form, false);
      const settled = await this.#teacher.api.follow(started.id, (state) => {
        this.#result.textContent = stageOf(state);
      });
      const parts = [...resultHead(resultOf(settled)), this.#planOf(settled), outcomesOf(this.#teacher, settled)];
      this.#result.replaceChildren(...parts.filter(Boolean));
      then(settled);
    });
  }
}
