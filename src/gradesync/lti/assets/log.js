// Show *SIS Sync Log*: the last 30 days, and the details of each sync.

import { stopCopies } from "./copy.js";
import { downloadButton } from "./download.js";
import { button, focusOn, h, show, sign } from "./dom.js";
import { outcomesOf, resultHead } from "./outcomes.js";
import { pager } from "./paging.js";
import { byOf, resultOf, stageOf, statusOf } from "./words.js";

export class LogView {
  #context;
  #pages;
  #rows = h("tbody");
  #quiet = h("p", { class: "quiet" });
  #notice = h("p", { class: "notice", role: "alert", hidden: true });
  #details = h("div", { hidden: true });
  #opened = null;
  #running = new Map();

  constructor(context) {
    this.#context = context;
    const read = (cursor) => context.api.log({ cursor });
    this.#pages = pager(context, read, (page, first) => this.#add(page, first), "Show earlier syncs");
    const head = ["Date and time", "Status", "Result", ""].map((text) =>
      h("th", { scope: "col" }, text || h("span", { class: "unseen" }, "Details")),
    );
    this.#table = h(
      "table",
      { class: "log" },
      h("caption", { class: "unseen" }, "Syncs of the last 30 days, newest first"),
      h("thead", {}, h("tr", {}, head)),
      this.#rows,
    );
    this.#list = h("div", {}, this.#table, this.#quiet, this.#pages.more);
    this.element = h("div", {}, this.#notice, this.#list, this.#details);
  }

  #table;
  #list;

  async open() {
    if (this.#opened) return;
    await this.#pages.restart();
  }

  #add({ items }, first) {
    if (first) this.#rows.replaceChildren();
    this.#rows.append(...items.map((sync) => this.#row(sync)));
    show(this.#table, this.#rows.childElementCount > 0);
    show(this.#notice, false);
    this.#quiet.textContent = this.#rows.childElementCount
      ? `The last 30 days. Times are in ${this.#context.times.zone}.`
      : "There was no sync in the last 30 days.";
    return null;
  }

  #row(sync) {
    let latest;
    const status = h("td");
    const result = h("td", { class: "result" });
    const when = this.#context.times.whole(sync.requested_at);
    const by = byOf(sync, this.#context.session);
    const open = button("Details", () => this.#show(latest, open), { class: "link", "aria-label": `Details of ${when}` });
    const render = (state) => {
      latest = state;
      const { kind, text } = statusOf(state);
      status.replaceChildren(h("span", { class: "status" }, sign(kind), text));
      result.textContent = state.status === "processing" ? stageOf(state) : resultOf(state).headline;
    };
    render(sync);
    if (sync.status === "processing") this.#keepUp(sync.id, render);
    return h(
      "tr",
      { onclick: (event) => event.target.closest("button") || this.#show(latest, open) },
      h("th", { scope: "row" }, when, by && h("p", { class: "note" }, by)),
      status,
      result,
      h("td", {}, open),
    );
  }

  /** Let the row of a running sync follow it. A row that is read anew takes over from the one before. */
  async #keepUp(id, render) {
    const follows = this.#running.has(id);
    this.#running.set(id, render);
    if (follows) return;
    try {
      await this.#context.api.follow(id, (state) => this.#running.get(id)(state));
    } catch (error) {
      this.#context.ended(error);
    } finally {
      this.#running.delete(id);
    }
  }

  async #show(sync, opener) {
    const heading = h("h2", {}, this.#context.times.whole(sync.requested_at));
    const body = h("div");
    this.#opened = opener;
    this.#details.replaceChildren(
      h(
        "div",
        { class: "detail-head" },
        button("Back to the log", () => this.#back(), { class: "link back" }),
        heading,
      ),
      body,
    );
    show(this.#list, false);
    show(this.#details, true);
    focusOn(heading);
    await this.#showDetails(sync, body);
  }

  async #showDetails(sync, body) {
    try {
      const settled = sync.status === "processing" ? await this.#follow(sync, body) : sync;
      body.replaceChildren(
        h(
          "section",
          { class: "card" },
          h("p", { class: "when" }, statusOf(settled).text),
          ...resultHead(resultOf(settled)),
          h("div", { class: "copying" }, stopCopies(this.#context, settled)),
          h("div", { class: "actions" }, downloadButton(this.#context, settled, (error) => this.#failed(error))),
        ),
        outcomesOf(this.#context, settled),
        ...[this.#context.beside?.(settled)].filter(Boolean),
      );
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Follow a running sync here, too. */
  #follow(sync, body) {
    const text = h("p", { class: "text", role: "status" }, stageOf(sync));
    body.replaceChildren(h("section", { class: "card" }, text));
    return this.#context.api.follow(sync.id, (state) => {
      text.textContent = stageOf(state);
    });
  }

  #back() {
    const opener = this.#opened;
    this.#opened = null;
    show(this.#details, false);
    show(this.#list, true);
    show(this.#notice, false);
    opener?.focus();
  }

  #failed(error) {
    if (this.#context.ended(error)) return;
    show(this.#notice, true).textContent = `${error.title} ${error.fix}`;
  }
}
