// Show *Compare*: both gradebooks side by side, the scores that someone changed in the SIS, and why totals differ.

import { summaryOf } from "./compare.js";
import { DecisionsPart } from "./decisions.js";
import { announce, button, h, show } from "./dom.js";
import { differingFields } from "./fields.js";
import { comparedPicture } from "./picture.js";
import { TotalsPart } from "./totals.js";
import { count, SIS } from "./words.js";

export class CompareView {
  #context;
  #known = false;
  #running = false;
  #when = h("p", { class: "when" });
  #headline = h("h2", {}, `Compare with ${SIS}`);
  #text = h("p", { class: "text" }, "Both gradebooks are read, and nothing is changed in either of them.");
  #notice = h("p", { class: "notice", role: "alert", hidden: true });
  #compare = button("Compare now", () => this.#run(() => this.#start()), { class: "primary" });
  #picture = h("div", { class: "compared" });
  #fields = h("div");
  #decisions;
  #totals;

  constructor(context) {
    this.#context = context;
    this.#decisions = new DecisionsPart(context);
    this.#totals = new TotalsPart(context);
    const actions = h("div", { class: "actions" }, this.#compare);
    const card = h("section", { class: "card" }, this.#when, this.#headline, this.#text, actions, this.#notice);
    this.element = h("div", {}, card, this.#fields, this.#picture, this.#decisions.element, this.#totals.element);
  }

  /** Show the newest comparison, and the scores to decide about as they are now. */
  async open() {
    if (this.#running) return;
    if (this.#known) {
      await this.#decisions.open();
      return;
    }
    await this.#run(async () => {
      const last = await this.#context.api.lastComparison();
      return last && !last.error ? this.#context.api.settledComparison(last) : undefined;
    });
  }

  #start() {
    announce("Reading both gradebooks…");
    return this.#context.api.runComparison();
  }

  async #run(read) {
    if (this.#running) return;
    this.#running = true;
    this.#compare.setAttribute("aria-disabled", "true");
    show(this.#notice, false);
    const before = this.#when.textContent;
    this.#when.textContent = "Reading…";
    try {
      const comparison = await read();
      this.#known = true;
      this.#show(comparison);
    } catch (error) {
      this.#when.textContent = before;
      if (!this.#context.ended(error)) show(this.#notice, true).textContent = `${error.title} ${error.fix}`;
      return;
    } finally {
      this.#running = false;
      this.#compare.removeAttribute("aria-disabled");
    }
    // The next comparison needn't wait for what is read of this one.
    await Promise.all([this.#decisions.open(), this.#totals.open()]);
  }

  #show(comparison) {
    if (!comparison) {
      this.#when.textContent = "Not compared in the last 30 days.";
      return;
    }
    this.#when.textContent = `Compared ${this.#context.times.near(comparison.requested_at)}: ${count(comparison.cells, "score")}`;
    this.#headline.textContent = summaryOf(comparison);
    announce(this.#headline.textContent);
    this.#fields.replaceChildren(...[differingFields(comparison, "h3")].filter(Boolean));
    const picture = comparedPicture(this.#context, comparison);
    this.#picture.replaceChildren(picture.element);
    picture.open();
  }
}
