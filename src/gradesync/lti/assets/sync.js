// Show *Sync to SIS*: the button, the preview, the progress, and the result.

import { stopCopies } from "./copy.js";
import { announce, button, focusOn, h, show, sign } from "./dom.js";
import { downloadButton } from "./download.js";
import { outcomesOf, readerOf } from "./outcomes.js";
import { reviewOf } from "./review.js";
import { byOf, count, failed, isGuarded, isSendable, pauseOf, progressOf, resultOf, stageOf, waitingOf } from "./words.js";

const FIRST =
  "The first sync sends every assignment in a mapped category with its scores. Later ones send only what has changed.";
const CLOSE = "You can close this page: the sync goes on by itself.";
const GOES_ON = "It goes on by itself when they resume it.";
const QUARTERS = 4;

export class SyncView {
  #context;
  #latest = null;
  #shown = null;
  #running = false;
  #paused = null;
  #stage = "";
  #known = false;

  #when = h("p", { class: "when" });
  #sign = h("span");
  #headline = h("h2");
  #text = h("p", { class: "text" });
  #waiting = h("p", { class: "waiting", role: "status" });
  #bar = h("progress", { "aria-label": "Progress", hidden: true });
  #pause = h("p", { class: "notice", role: "status", hidden: true });
  #notice = h("p", { class: "notice", role: "alert", hidden: true });
  #copy = h("div", { class: "copying" });
  #outcomes = h("div");
  #sync = button("Sync to SIS", () => this.start({}), { class: "primary" });
  #preview = button("Preview", () => this.start({ dry_run: true }));
  #retry = button("Retry what failed", () => this.start({ retry_of: this.#shown.id }), { hidden: true });
  #review = button("Review", () => this.#reviewed.open(), { class: "primary", hidden: true });
  #reviewed = null;
  #parts = { id: null, elements: [] };

  constructor(context) {
    this.#context = context;
    const card = h(
      "section",
      { class: "card", "aria-label": "Sync to SIS" },
      this.#when,
      h("div", { class: "headline" }, this.#sign, this.#headline),
      this.#text,
      this.#pause,
      this.#waiting,
      this.#copy,
      this.#bar,
      h("div", { class: "actions" }, this.#review, this.#sync, this.#preview, this.#retry),
      this.#notice,
    );
    this.element = h("div", {}, card, this.#outcomes);
    this.#head("running", "Reading…");
  }

  /** Show the newest sync of the section, and follow it while it is running. A preview stays. */
  async open() {
    if (this.#running || this.#shown?.dry_run) return;
    const paused = this.#readPause();
    try {
      const [newest] = (await this.#context.api.log({ limit: 1 })).items;
      if (this.#running) return;
      if (newest?.status === "processing") await this.#follow(newest);
      else {
        this.#known = true;
        this.#settled((this.#latest = newest ?? null));
        await paused;
        await this.#look();
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Say what waits for the next sync, or before the first one what stands in its way. */
  async #look() {
    const shown = this.#shown;
    try {
      const text = shown ? waitingOf(await this.#context.api.waiting()) : obstaclesOf(await this.#context.api.assignments());
      if (!this.#running && this.#shown === shown) this.#waiting.textContent = text;
    } catch (error) {
      this.#context.ended(error);  // the page is of use without it
    }
  }

  /** Read whether the district has paused the section, and show its reason. */
  async #readPause() {
    try {
      this.#hold((await this.#context.api.section()).paused);
    } catch (error) {
      this.#context.ended(error);  // a request that is refused has the reason too
    }
  }

  /** Show a pause, during which nothing starts; null: there is none. */
  #hold(paused) {
    this.#paused = paused;
    show(this.#pause, Boolean(paused)).textContent = paused ? pauseOf(paused) : "";
    if (!this.#running) this.#enable();
  }

  #enable() {
    for (const each of [this.#sync, this.#preview]) {
      if (this.#paused) each.setAttribute("aria-disabled", "true");
      else each.removeAttribute("aria-disabled");
    }
  }

  /** Start a sync; a second click does nothing, and neither does one while syncs are paused. */
  async start(options) {
    this.#keepFocus();
    if (this.#running) return;
    if (this.#paused) await this.#readPause();
    if (this.#running || this.#paused) return;
    this.#busy(options.dry_run);
    this.#keepFocus();
    try {
      await this.#follow(await this.#context.api.start(options));
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Move the focus to the headline where the button that was pressed is gone, and the focus with it. */
  #keepFocus() {
    if (document.activeElement === document.body || !document.activeElement.checkVisibility()) focusOn(this.#headline);
  }

  async #follow(sync) {
    this.#busy(sync.dry_run);
    this.#progress(sync);
    const lost = () => this.#notify("The connection was lost. The sync goes on, and this page tries again…");
    const settled = await this.#context.api.follow(sync.id, (state) => this.#progress(state), lost);
    this.#running = false;
    if (this.#paused) await this.#readPause();
    this.#known = true;
    if (!settled.dry_run) this.#latest = settled;
    this.#settled(settled);
    announce(`${this.#headline.textContent} ${this.#text.textContent}`);
  }

  #busy(dryRun) {
    this.#running = true;
    for (const each of [this.#sync, this.#preview]) each.setAttribute("aria-disabled", "true");
    for (const each of [this.#retry, this.#review]) show(each, false);
    this.#lead(false);
    show(this.#bar, true).removeAttribute("value");
    for (const each of [this.#when, this.#waiting]) each.textContent = "";
    this.#head("running", dryRun ? "Looking at what would change…" : "Syncing…");
    for (const each of [this.#copy, this.#outcomes]) each.replaceChildren();
  }

  #progress(sync) {
    const stage = stageOf(sync);
    this.#hold(sync.paused);
    const bound = sync.stage === "queued" && `It ends by ${this.#context.times.time(sync.settles_by)} at the latest.`;
    this.#text.textContent = [`${stage}.`, sync.paused ? GOES_ON : bound, !sync.dry_run && CLOSE].filter(Boolean).join(" ");
    const { done, total } = sync.progress;
    const counted = sync.stage === "writing" && total;
    if (counted) {
      this.#bar.max = total;
      this.#bar.value = done;
      this.#bar.setAttribute("aria-valuetext", progressOf(sync));
    }
    // A screen reader hears each stage, and each quarter of the longest one.
    const heard = counted ? `${sync.stage} ${Math.floor((QUARTERS * done) / total)}` : sync.stage;
    if (heard !== this.#stage) announce(stage);
    this.#stage = heard;
    show(this.#notice, false);
  }

  /** Show a settled sync or preview; null: there never was one. What was read of it once stays as it is. */
  #settled(sync) {
    const known = this.#parts.id === (sync?.id ?? null);
    this.#shown = sync;
    this.#stage = "";
    this.#enable();
    for (const each of [this.#bar, this.#notice]) show(each, false);
    if (!known) this.#waiting.textContent = "";
    const guarded = Boolean(sync) && isGuarded(sync) && isSendable(sync);
    show(this.#retry, Boolean(sync) && !sync.dry_run && failed(sync) > 0 && !sync.error);
    this.#lead(guarded);
    this.#when.textContent = sync ? this.#whenOf(sync) : "";
    const { kind, headline, text } = sync ? resultOf(sync, { next: true }) : { kind: "off", headline: "Not synced yet.", text: FIRST };
    this.#head(kind, headline, text);
    this.#copy.replaceChildren(...stopCopies(this.#context, sync));
    const notify = (error) => this.#context.ended(error) || this.#notify(`${error.title} ${error.fix}`);
    if (!known) {
      const elements = sync ? [this.#partsOf(sync, guarded), downloadButton(this.#context, sync, notify)] : [];
      this.#parts = { id: sync?.id ?? null, elements };
    }
    this.#outcomes.replaceChildren(...this.#parts.elements);
  }

  /** Let the review come first while a plan waits for approval. */
  #lead(guarded) {
    show(this.#review, guarded);
    show(this.#preview, !guarded);
    this.#sync.classList.toggle("primary", !guarded);
  }

  #partsOf(sync, guarded) {
    if (!guarded) return outcomesOf(this.#context, sync);
    const send = (reason) => this.start({ approve: sync.fingerprint, ...(reason && { reason }) });
    this.#reviewed = reviewOf(sync, readerOf(this.#context, sync), send);
    return h("div", {}, this.#reviewed.element, sync.dry_run && outcomesOf(this.#context, sync));
  }

  #whenOf(sync) {
    const at = this.#context.times.near(sync.requested_at);
    return sync.dry_run ? `Preview of ${at}` : `Last sync: ${at} ${byOf(sync, this.#context.session)}`.trim();
  }

  /** Claim nothing about syncs that couldn't be read. */
  #unknown() {
    this.#enable();
    show(this.#bar, false);
    this.#head("off", "The last sync isn't known right now.");
  }

  #head(kind, headline, text = "") {
    this.#sign.replaceChildren(sign(kind));
    this.#headline.textContent = headline;
    this.#text.textContent = text;
  }

  /** Explain why a click had no effect, above the result from before it. */
  #failed(error) {
    this.#running = false;
    if (this.#context.ended(error)) return;
    if (error.code === "syncs-paused") this.#hold({ reason: error.detail });
    if (this.#known) this.#settled(this.#latest);
    else this.#unknown();
    if (!this.#paused) this.#notify(`${error.title} ${error.fix}`);
  }

  #notify(text) {
    show(this.#notice, true).textContent = text;
  }
}

/** Return what is known to stand in the way of a first sync. */
function obstaclesOf({ items, problem }) {
  if (problem) return `${problem.explanation} ${problem.fix}`;
  const stopped = items.filter((item) => item.problem?.needs_attention).length;
  return stopped ? `${count(stopped, "assignment")} can't be sent yet. The tab Assignments shows why, and how to fix it.` : "";
}
