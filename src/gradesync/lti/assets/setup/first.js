// Watch for the first synced section while the setup page stays open.

import { announce, h, sign } from "../dom.js";

const LOOK_AGAIN_MS = 2000;

export class FirstSync {
  #ask;
  #timer = null;
  #shown = "";
  #body = h("div", { class: "finding" });

  /** `ask` sends a request of the setup. */
  constructor(ask) {
    this.#ask = ask;
    this.element = h("section", {}, h("h3", {}, "The first section"), this.#body);
  }

  /** Look at the newest sync, and again until a section was synced. */
  async watch() {
    clearTimeout(this.#timer);
    const { ok, status, body } = await this.#ask("sync", "GET");
    if (!(ok ? await this.#showSync(body) : this.#showFailure(status, body))) this.#timer = setTimeout(() => this.watch(), LOOK_AGAIN_MS);
  }

  /** Show why there is no answer. Returns whether that will stay so. */
  #showFailure(status, { title, text }) {
    this.#show("off", `${title} ${text}`);
    return status === 401;
  }

  /** Show a sync in a teacher's words. Returns whether a section was synced. */
  async #showSync({ sync, title, sis }) {
    if (!sync) return this.#show("waiting", "This page shows it as soon as somebody syncs.");
    document.getElementById("main").dataset.sis = sis; // the words name it from here
    const { resultOf, stageOf } = await import("../words.js");
    const section = title || `Section ${sync.section_id}`;
    if (sync.status === "processing") return this.#show("running", `${section}: ${stageOf(sync)}…`);
    const { kind, headline, text } = resultOf(sync);
    this.#show(kind, `${section}: ${headline} ${text}`);
    return sync.applied !== "none" || sync.result === "all-sent";
  }

  #show(kind, text) {
    if (text === this.#shown) return;
    this.#shown = text;
    this.#body.replaceChildren(sign(kind), h("div", {}, text));
    announce(text);
  }
}
