// Show the reports of what would not sync: start one, follow it, read what it found.

import { button, h, show } from "../dom.js";
import { saveFile } from "../download.js";
import { count } from "../words.js";
import { attemptsOf } from "./attempts.js";
import { linkTo } from "./places.js";
import { tableOf } from "./table.js";

const LOOK_AGAIN_MS = 2000;

export function create(context) {
  const view = new PreflightView(context);
  return { element: view.element, open: (place) => view.open(place), close: () => view.close() };
}

class PreflightView {
  #context;
  #timer = null;
  #body = h("div");
  #cursor = null;
  #attempts;

  constructor(context) {
    this.#context = context;
    this.#attempts = attemptsOf(context);
    this.element = h("div", {}, this.#attempts.notice, this.#body);
  }

  open({ rest: [report] }) {
    this.close();
    return report ? this.#showReport(report) : this.#showList();
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

  /** Show a report with what it found so far; read it again while it is in progress. */
  async #showReport(id) {
    const path = `preflight/${encodeURIComponent(id)}`;
    const report = await this.#context.http.json(path);
    const { progress, status, findings } = report;
    const rows = h("div");
    const more = button("Show more findings", () => this.#attempts.run(() => this.#read(path, rows, more)), { hidden: true });
    this.#cursor = null;
    this.#body.replaceChildren(
      h("p", {}, h("a", { href: linkTo("preflight") }, "All reports")),
      h("h3", {}, this.#context.times.whole(report.requested_at)),
      h("p", { role: "status" }, `${progress.done} of ${count(progress.total, "section")}, ${count(findings, "finding")}`),
      h("div", { class: "actions" }, button("Download as a spreadsheet (CSV)", () => this.#save(path))),
      rows,
      more,
    );
    await this.#read(path, rows, more);
    if (status === "processing") this.#timer = setTimeout(() => this.#attempts.run(() => this.#showReport(id)), LOOK_AGAIN_MS);
  }

  async #read(path, rows, more) {
    const query = new URLSearchParams({ limit: 100, ...(this.#cursor && { cursor: this.#cursor }) });
    const { items, next_cursor } = await this.#context.http.json(`${path}/findings?${query}`);
    this.#cursor = next_cursor;
    show(more, Boolean(next_cursor));
    if (items.length) rows.append(tableOf("Findings", COLUMNS, items));
  }

  #save(path) {
    return this.#attempts.run(async () => saveFile(await this.#context.http.file(`${path}/findings`)));
  }
}

const COLUMNS = [
  ["Section", ({ section_id: id, section_code: code }) => h("a", { href: linkTo("sections", [id]) }, code ? `${id} (${code})` : id)],
  ["Assignment", ({ assignment }) => assignment?.title ?? ""],
  ["Student", ({ student_id }) => student_id ?? ""],
  ["What would happen", ({ result, reason }) => `${RESULTS[result]}: ${reason.explanation} ${reason.fix}`],
];

const RESULTS = { failed: "Would fail", skipped: "Would be left out", warning: "Worth knowing" };
