// Answer what was sent for a student: found by id, or by name in one section. Names are shown, and kept nowhere.

import { button, h } from "../dom.js";
import { saveFile } from "../download.js";
import { TotalsPart } from "../totals.js";
import { count, isolated, SIS } from "../words.js";
import { attemptsOf } from "./attempts.js";
import { linkTo } from "./fragments.js";
import { tableOf } from "./table.js";
import { asTeacher } from "./teacher.js";
import { undoOfStudent } from "./undo.js";

export function create(context) {
  const view = new StudentsView(context);
  return { element: view.element, open: () => view.open() };
}

class StudentsView {
  #context;
  #attempts;
  #id = h("input", { id: "student-id", autocomplete: "off" });
  #by = h("select", { id: "student-by" }, h("option", { value: "schoology" }, "Schoology"), h("option", { value: "sis" }, SIS));
  #section = h("input", { id: "student-section", autocomplete: "off" });
  #name = h("input", { id: "student-name", autocomplete: "off" });
  #found = h("div", { role: "status" });

  constructor(context) {
    this.#context = context;
    this.#attempts = attemptsOf(context);
    const byId = this.#form("Show the scores", () => this.#read(this.#id.value.trim(), this.#by.value), [["Student id", this.#id], ["Whose id it is", this.#by]]);
    const byName = this.#form("Find the student", () => this.#find(), [["Section (its id in Schoology)", this.#section], ["A part of the name", this.#name]]);
    this.element = h("div", {}, byId, byName, this.#attempts.notice, this.#found);
  }

  open() {
    this.#found.replaceChildren();
  }

  /** Show a student's scores. The address doesn't name the student: browsers keep addresses. */
  #read(id, by) {
    const path = `students/${encodeURIComponent(id)}/scores?${new URLSearchParams({ by, live: true })}`;
    this.#found.replaceChildren(h("p", { class: "quiet" }, "Reading…"));
    return this.#attempts.run(async () => {
      try {
        this.#show(await this.#context.http.json(path), path);
      } catch (error) {
        this.#found.replaceChildren();
        throw error;
      }
    });
  }

  #form(words, submit, fields) {
    const act = (event) => {
      event.preventDefault();
      submit();
    };
    const inputs = fields.map(([text, input]) => h("div", {}, h("label", { for: input.id }, text), input));
    return h("form", { class: "controls", onsubmit: act }, inputs, h("div", { class: "submit" }, button(words, null, { type: "submit" })));
  }

  #find() {
    const query = new URLSearchParams({ section: this.#section.value.trim(), name: this.#name.value.trim() });
    return this.#attempts.run(async () => {
      const found = await this.#context.http.json(`students?${query}`);
      const links = found.map(({ student_id: id, name }) => h("li", {}, button(isolated(name), () => this.#read(id, "schoology"), { class: "link" })));
      this.#found.replaceChildren(links.length ? h("ul", {}, links) : h("p", { class: "quiet" }, "Nobody of that name is in the section."));
    });
  }

  #show({ student_id, name, sections, scores }, path) {
    const columns = [
      ["Assignment", ({ assignment: { id, title } }) => isolated(title ?? id)],
      ["Section", ({ section_id: id, section_title: title }) => h("a", { href: linkTo("sections", [id]) }, isolated(title ?? id))],
      [`In ${SIS} now`, ({ now }) => nowOf(now)],
      ["Changes", ({ changes }) => changes.map((change) => h("p", { class: "note" }, this.#wordsOf(change)))],
    ];
    this.#found.replaceChildren(
      h("h3", {}, isolated(name ?? `Student ${student_id}`)),
      h("p", { class: "note" }, `${count(scores.length, "score")} in ${count(sections, "section")}. This reading is in the audit log.`),
      h("div", { class: "actions" }, button("Save a sheet to print", () => this.#save(path))),
      scores.length ? tableOf("Scores that were sent", columns, scores) : h("p", { class: "quiet" }, "Nothing was sent."),
      ...sectionsOf(scores).map((section) => this.#moreOf(section, student_id)),
    );
  }

  /** Explain a student's totals in a section, and put the scores there back, once that is opened. */
  #moreOf({ id, title }, student) {
    const element = h("details", { class: "part", ontoggle: () => element.open && element.childElementCount === 1 && this.#fill(element, id, title, student) });
    element.append(h("summary", {}, `${isolated(title)}: totals, and putting scores back`));
    return element;
  }

  #fill(element, id, title, student) {
    const teacher = asTeacher(this.#context, id, title);
    const totals = new TotalsPart(teacher, { student, level: 4 });
    const back = h("section", { class: "part" }, h("h4", {}, "Put this student's scores back"), undoOfStudent(this.#context, teacher, student));
    element.append(totals.element, back);
    totals.open();
  }

  #wordsOf({ at, value, before, first, removed, requested_by, mode, sync_id: sync }) {
    if (mode === "comparison") {
      return `${this.#context.times.whole(at)}: ${before ?? "blank"} → ${value ?? "blank"} by somebody in ${SIS}, as a comparison saw (${sync})`;
    }
    const what = removed ? "no longer ours" : `${first ? "" : `${before ?? "blank"} → `}${value ?? "blank"}`;
    return `${this.#context.times.whole(at)}: ${what}, by ${requested_by} (sync ${sync})`;
  }

  #save(path) {
    return this.#attempts.run(async () => {
      const response = await this.#context.http.fetch(path, { headers: { accept: "text/html" } });
      saveFile({ name: "student-scores.html", content: await response.blob() });
    });
  }
}

/** Return the sections of scores, each once. */
const sectionsOf = (scores) => [...new Map(scores.map(({ section_id: id, section_title: title }) => [id, { id, title: title ?? `Section ${id}` }])).values()];

function nowOf({ source, value, edited }) {
  const text = value ?? "blank";
  if (source === "last-sent") return `${text} (as last sent)`;
  return edited ? `${text} (changed there by somebody else)` : text;
}
