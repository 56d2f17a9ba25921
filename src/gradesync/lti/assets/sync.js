// *Sync to SIS*: the button, the preview, the progress, and what became of it.

import { button, h, say, show, sign } from "./dom.js";
import { outcomesOf } from "./outcomes.js";
import { failed, guardOf, isGuarded, resultOf, stageOf } from "./words.js";

export class SyncView {
  #context;
  #latest = null;
  #running = false;
  #stage = "";

  constructor(context) {
    this.#context = context;
    this.#when = h("p", { class: "when" });
    this.#sign = h("span");
    this.#headline = h("h2", { tabindex: "-1" });
    this.#text = h("p", { class: "text" });
    this.#bar = h("progress", { "aria-label": "Progress" });
    this.#notice = h("p", { class: "notice", role: "alert" });
    this.#sync = button("Sync to SIS", () => this.#start({}), { class: "primary" });
    this.#preview = button("Preview", () => this.#start({ dry_run: true }));
    this.#retry = button("Retry what failed", () => this.#start({ retry_of: this.#latest.id }));
    this.#approve = button("Send it anyway", () => this.#start({ approve: this.#shown.fingerprint }), {
      class: "grave",
    });
    this.#rest = h("div");
    this.element = h(
      "div",
      {},
      h(
        "section",
        { class: "card", "aria-label": "Sync to SIS" },
        this.#when,
        h("div", { class: "headline" }, this.#sign, this.#headline),
        this.#text,
        this.#bar,
        h("div", { class: "actions" }, this.#sync, this.#preview, this.#retry, this.#approve),
        this.#notice,
      ),
      this.#rest,
    );
    this.#idle();
  }

  #when;
  #sign;
  #headline;
  #text;
  #bar;
  #notice;
  #sync;
  #preview;
  #retry;
  #approve;
  #rest;
  #shown = null;

  /** Shows the newest sync of the section, and follows it where it is running. */
  async open() {
    try {
      const [newest] = (await this.#context.api.log({ limit: 1 })).items;
      this.#latest = newest ?? null;
      if (newest?.status === "processing") await this.#follow(newest);
      else this.#idle();
    } catch (error) {
      this.#failed(error);
    }
  }

  async #start(wanted) {
    if (this.#running) return;
    this.#busy(wanted.dry_run);
    try {
      await this.#follow(await this.#context.api.start(wanted));
    } catch (error) {
      this.#running = false;
      this.#idle();
      this.#failed(error);
    }
  }

  async #follow(sync) {
    this.#busy(sync.dry_run);
    const lost = () => this.#say("The connection is lost. The sync goes on; trying again…");
    this.#progress(sync);
    const settled = await this.#context.api.follow(sync.id, (state) => this.#progress(state), { lost });
    this.#running = false;
    if (!settled.dry_run) this.#latest = settled;
    this.#settled(settled);
    this.#context.changed(settled);
  }

  #busy(dryRun) {
    this.#running = true;
    this.#stage = "";
    for (const each of [this.#sync, this.#preview]) each.setAttribute("aria-disabled", "true");
    for (const each of [this.#retry, this.#approve, this.#notice]) show(each, false);
    show(this.#bar, true).removeAttribute("value");
    this.#rest.replaceChildren();
    this.#when.textContent = "";
    this.#head("waiting", dryRun ? "Looking at what would change…" : "Syncing…");
  }

  #progress(sync) {
    const stage = stageOf(sync);
    const bound = sync.stage === "queued" ? `. It ends by ${this.#context.times.time(sync.settles_by)}.` : "";
    this.#text.textContent = stage + bound;
    if (sync.stage === "writing" && sync.progress.total) {
      this.#bar.max = sync.progress.total;
      this.#bar.value = sync.progress.done;
    }
    if (sync.stage !== this.#stage) say(stage);
    this.#stage = sync.stage;
  }

  #idle() {
    this.#settled(this.#latest);
  }

  /** Shows a settled sync or preview; null: there never was one. */
  #settled(sync) {
    this.#shown = sync;
    for (const each of [this.#sync, this.#preview]) each.removeAttribute("aria-disabled");
    show(this.#bar, false);
    show(this.#notice, false);
    show(this.#retry, Boolean(sync) && !sync.dry_run && failed(sync) > 0 && !isGuarded(sync));
    show(this.#approve, Boolean(sync) && isGuarded(sync));
    this.#sync.textContent = "Sync to SIS";
    if (!sync) return this.#never();
    const result = resultOf(sync);
    const guard = isGuarded(sync) && sync.guard ? ` ${guardOf(sync.guard)}` : "";
    this.#when.textContent = `${sync.dry_run ? "Preview of" : "Last synced"} ${this.#context.times.near(sync.finished_at)}`;
    this.#head(result.kind, result.headline, result.text + guard);
    this.#rest.replaceChildren(outcomesOf(this.#context, sync));
    if (this.#stage) say(`${result.headline} ${result.text}`);
    this.#stage = "";
  }

  #never() {
    this.#when.textContent = "";
    this.#head(
      "off",
      "Not synced yet.",
      "The first sync sends every assignment in a mapped category with its scores. Later ones send what has changed.",
    );
    this.#rest.replaceChildren();
  }

  #head(kind, headline, text = "") {
    this.#sign.replaceChildren(sign(kind));
    this.#headline.textContent = headline;
    this.#text.textContent = text;
  }

  #failed(error) {
    if (this.#context.ended(error)) return;
    this.#say(`${error.title} ${error.fix}`);
  }

  #say(text) {
    show(this.#notice, true).textContent = text;
  }
}
