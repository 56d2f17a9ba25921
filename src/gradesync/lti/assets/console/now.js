// Show a pause of a section and the result of its last sync, as its teacher sees them.

import { h, sign } from "../dom.js";
import { outcomesOf } from "../outcomes.js";
import { byOf, pauseOf, resultOf, stageOf } from "../words.js";

export class NowView {
  #context;

  constructor(context) {
    this.#context = context;
    this.element = h("div");
  }

  async open() {
    try {
      const { api } = this.#context;
      const [{ items: [newest] }, { paused }] = await Promise.all([api.log({ limit: 1 }), api.section()]);
      const pause = paused ? [h("p", { class: "text" }, pauseOf(paused))] : [];
      this.element.replaceChildren(...pause, ...this.#show(newest));
    } catch (error) {
      this.#context.failed(error);
    }
  }

  #show(sync) {
    if (!sync) return [h("p", { class: "quiet" }, "Not synced in the last 30 days.")];
    if (sync.status === "processing") return [this.#card(sync, { kind: "running", headline: stageOf(sync), text: "" })];
    return [this.#card(sync, resultOf(sync)), outcomesOf(this.#context, sync)];
  }

  #card(sync, { kind, headline, text }) {
    const when = `Last sync: ${this.#context.times.near(sync.requested_at)} ${byOf(sync, this.#context.session)}`;
    return h(
      "section",
      { class: "card" },
      h("p", { class: "when" }, when.trim()),
      h("div", { class: "headline" }, sign(kind), h("h4", {}, headline)),
      h("p", { class: "text" }, text),
    );
  }
}
