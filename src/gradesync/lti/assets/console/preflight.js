// Show the reports of what would not sync: start one, follow it, read what it found.

import { button, h } from "../dom.js";
import { count } from "../words.js";
import { attemptsOf } from "./attempts.js";
import { linkTo } from "./fragments.js";
import { ReportPart } from "./report.js";
import { tableOf } from "./table.js";

const LOOK_AGAIN_MS = 2000;

export function create(context) {
  const view = new PreflightView(context);
  return { element: view.element, open: (target) => view.open(target), close: () => view.close() };
}

class PreflightView {
  #context;
  #timer = null;
  #body = h("div");
  #attempts;

  constructor(context) {
    this.#context = context;
    this.#attempts = attemptsOf(context);
    this.element = h("div", {}, this.#attempts.notice, this.#body);
  }

  open({ rest: [report], query }) {
    this.close();
    return report ? this.#showReport(report, Object.fromEntries(query)) : this.#showList();
  }

  close() {
    clearTimeout(this.#timer);
  }

  async #showList() {
    const { items } = await this.#context.http.json("preflight");
    const columns = [
      ["Requested", ({ id, requested_at }) => h("a", { href: linkTo("preflight", [id]) }, this.#context.times.whole(requested_at))],
      ["Status", ({ status }) => status],
      ["Sections", ({ progress: { done, total } }) => `${done} of ${total}`],
      ["Found", ({ findings }) => count(findings, "finding")],
    ];
    const none = h("p", { class: "quiet" }, "There was no report in the last 30 days.");
    this.#body.replaceChildren(
      ...(this.#context.may("sections:write") ? [h("div", { class: "actions" }, button("Start a report", () => this.#start()))] : []),
      items.length ? tableOf("Reports of the last 30 days", columns, items) : none,
    );
  }

  #start() {
    return this.#attempts.run(async () => {
      const report = await this.#context.http.json("preflight", { method: "POST" });
      location.hash = linkTo("preflight", [report.id]);
    });
  }

  /** Show a report with what it found so far, and once more when it has ended. */
  async #showReport(id, filters) {
    const report = await this.#read(id);
    const part = new ReportPart(this.#context, this.#attempts, id, filters);
    const progress = h("p", { role: "status" }, progressOf(report));
    const title = h("h3", {}, this.#context.times.whole(report.requested_at));
    const back = h("p", {}, h("a", { href: linkTo("preflight") }, "All reports"));
    this.#body.replaceChildren(back, title, progress, part.element);
    await part.open();
    if (report.status === "processing") this.#follow(id, progress, () => this.#showReport(id, filters));
  }

  /** Show the progress until the report has ended. What it found so far stays as it is: somebody may be reading it. */
  #follow(id, progress, ended) {
    const look = async () => {
      const report = await this.#read(id);
      progress.textContent = progressOf(report);
      if (report.status !== "processing") return ended();
      this.#follow(id, progress, ended);
    };
    this.#timer = setTimeout(() => this.#attempts.run(look), LOOK_AGAIN_MS);
  }

  #read(id) {
    return this.#context.http.json(`preflight/${encodeURIComponent(id)}`);
  }
}

const progressOf = ({ progress: { done, total }, findings, error }) =>
  [`${done} of ${count(total, "section")}, ${count(findings, "finding")}`, error && `${error.explanation} ${error.fix}`].filter(Boolean).join(". ");
