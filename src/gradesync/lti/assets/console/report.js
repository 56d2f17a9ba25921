// List what a pre-flight report found by section: school and teachers, the message to them, and each finding.

import { copyButton } from "../copy.js";
import { button, h } from "../dom.js";
import { saveFile } from "../download.js";
import { pager } from "../paging.js";
import { capital, count, isolated, number, SIS } from "../words.js";
import { linkTo } from "./fragments.js";
import { tableOf } from "./table.js";

const ROWS = 50;
const RESULTS = { failed: "Would fail", skipped: "Would be left out", warning: "Worth knowing" };
const FILTERS = ["school", "teacher"];

export class ReportPart {
  #context;
  #attempts;
  #id;
  #path;
  #filters;
  #pages;
  #sections = h("div");
  #quiet = h("p", { class: "quiet" });

  /** `filters`: `school` and `teacher`, both ids, where they are set. */
  constructor(context, attempts, id, filters) {
    this.#context = context;
    this.#attempts = attempts;
    this.#id = id;
    this.#path = `preflight/${encodeURIComponent(id)}`;
    this.#filters = filters;
    this.#pages = pager(context, (cursor) => this.#read(cursor), (page) => this.#add(page), "Show more sections");
    const chips = FILTERS.filter((name) => filters[name]).map((name) => this.#chip(name));
    const save = button("Download as a spreadsheet (CSV)", () => this.#save());
    this.element = h(
      "div",
      {},
      chips.length > 0 && h("ul", { class: "filters", "aria-label": "Filters" }, chips),
      h("div", { class: "actions" }, save),
      this.#sections,
      this.#quiet,
      this.#pages.more,
    );
  }

  open() {
    return this.#pages.load();
  }

  #read(cursor) {
    const query = new URLSearchParams({ limit: ROWS, ...this.#filters, ...(cursor && { cursor }) });
    return this.#context.http.json(`${this.#path}/sections?${query}`);
  }

  #add({ items }) {
    this.#sections.append(...items.map((section) => this.#show(section)));
    this.#quiet.textContent = this.#sections.childElementCount ? "" : "Nothing was found.";
    return null;
  }

  #chip(name) {
    const { [name]: value, ...others } = this.#filters;
    const words = name === "school" ? ["school: ", this.#context.schools.label(value)] : `${name}: ${value}`;
    const remove = h("span", { class: "unseen" }, "Remove the filter ");
    return h("li", {}, h("a", { href: this.#link(others) }, remove, words, h("span", { "aria-hidden": "true" }, " ×")));
  }

  #link(filters) {
    return linkTo("preflight", [this.#id], filters);
  }

  #show({ section_id: id, section_code: code, section_title: title, school, teachers, findings, reasons, message }) {
    const name = isolated(title ?? `Section ${id}`);
    const facts = [
      school && ["School", h("a", { href: this.#link({ ...this.#filters, school }) }, this.#context.schools.label(school))],
      teachers.length > 0 && ["Teachers", teachers.map((teacher) => [this.#teacher(teacher), " "])],
      code && ["School code", code],
    ].filter(Boolean);
    const found = Object.entries(reasons).map(([reason, n]) => `${capital(reason).replaceAll("-", " ").replace(/\bsis\b/g, SIS)} (${number(n)})`);
    return h(
      "section",
      { class: "part" },
      h("h4", {}, h("a", { href: linkTo("sections", [id]) }, name)),
      facts.length > 0 && h("dl", {}, facts.map(([term, value]) => [h("dt", {}, term), h("dd", {}, value)])),
      h("p", { class: "text" }, found.join(", ")),
      this.#message(message, name),
      this.#findings(id, findings),
    );
  }

  #teacher({ id, name }) {
    return h("a", { href: this.#link({ ...this.#filters, teacher: id }) }, isolated(name ?? id));
  }

  #message(message, name) {
    const copy = copyButton(() => message, "Copy the message");
    copy.setAttribute("aria-label", `Copy the message about ${name}`);
    return h("details", {}, h("summary", {}, "Message to the teachers"), h("p", { class: "message" }, message), copy);
  }

  /** Read the findings of a section when somebody opens them. */
  #findings(section, n) {
    const body = h("div");
    const read = ({ target }) => {
      if (!target.open || body.childElementCount) return;
      this.#attempts.run(async () => {
        const pages = await this.#context.http.pages(`${this.#path}/findings`, { section });
        body.replaceChildren(tableOf("Findings", COLUMNS, pages.flatMap(({ items }) => items)));
      });
    };
    return h("details", { ontoggle: read }, h("summary", {}, count(n, "finding")), body);
  }

  #save() {
    const query = new URLSearchParams(this.#filters);
    return this.#attempts.run(async () => saveFile(await this.#context.http.file(`${this.#path}/findings?${query}`)));
  }
}

const COLUMNS = [
  ["Assignment", ({ assignment }) => isolated(assignment?.title ?? "The whole section")],
  ["Category", ({ assignment }) => isolated(assignment?.category ?? "")],
  ["Student", ({ student_id }) => student_id ?? ""],
  ["What would happen", ({ result, reason }) => `${RESULTS[result]}: ${reason.explanation} ${reason.fix}`],
];
