// Make the statements of a section, a school, a term or the district, and save their file: the service keeps none.

import { announce, button, h, show } from "../dom.js";
import { saveFile } from "../download.js";
import { count, dateOf, number } from "../words.js";
import { attemptsOf } from "./attempts.js";
import { StatementLines } from "./statement_lines.js";

const MEGABYTE = 1_000_000;

export function create(context) {
  const view = new StatementsView(context);
  return { element: view.element, open: () => view.open() };
}

class StatementsView {
  #context;
  #attempts;
  #section = h("input", { id: "statement-section", autocomplete: "off" });
  #school = h("input", { id: "statement-school", autocomplete: "off" });
  #term = h("select", { id: "statement-term" });
  #from = h("input", { id: "statement-from", type: "date" });
  #to = h("input", { id: "statement-to", type: "date" });
  #make = button("Make the statement", null, { type: "submit" });
  #progress = h("progress", { "aria-label": "The statement is being made", hidden: true });
  #state = h("p");

  constructor(context) {
    this.#context = context;
    this.#attempts = attemptsOf(context);
    const about = [
      "A statement is like a bank's: what stood at first, what was written, cleared and removed, what failed, what is owed, and what stands.",
      `The file has every line as a spreadsheet, a summary to print, a manifest with the hashes, and the signature. It has students' ids and no names. Days are those of ${context.times.zone}.`,
    ];
    const form = context.may("syncs:write") ? this.#form() : h("p", { class: "quiet" }, "Making a statement takes the role of an operator.");
    const texts = about.map((text) => h("p", { class: "text" }, text));
    this.element = h("section", { class: "part" }, h("h3", {}, "Statement of scores"), texts, form, this.#attempts.notice, this.#progress, this.#state);
  }

  async open() {
    const { terms } = await this.#context.http.json("overview");
    const known = terms.filter(({ last }) => last).map(({ first, last }) => h("option", { value: last }, `${dateOf(first)} to ${dateOf(last)}, ${last.slice(0, 4)}`));
    const chosen = this.#term.value;
    this.#term.replaceChildren(h("option", { value: "" }, "All terms"), ...known);
    this.#term.value = chosen;
    if (this.#term.selectedIndex < 0) this.#term.value = "";
  }

  #form() {
    const fields = [
      ["Only this term", this.#term],
      ["Only this school (its id in Schoology)", this.#context.schools.suggest(this.#school)],
      ["Only this section (its id in Schoology)", this.#section],
      ["First day (the term's, or July 1)", this.#from],
      ["Last day (until now, if empty)", this.#to],
    ].map(([text, input]) => h("div", {}, h("label", { for: [input].flat()[0].id }, text), input));
    const act = (event) => {
      event.preventDefault();
      this.#create();
    };
    return h("form", { class: "form", onsubmit: act }, fields, h("div", { class: "actions" }, this.#make));
  }

  /** Make a file, show how many sections are done, and save it. It goes on while another view is shown. */
  async #create() {
    const given = { section: this.#section, school: this.#school, term: this.#term, from: this.#from, to: this.#to };
    const values = Object.entries(given).map(([name, input]) => [name, input.value.trim()]);
    const body = Object.fromEntries(values.filter(([, value]) => value));
    const come = new StatementLines();
    this.#making(true);
    await this.#attempts.run(async () => {
      const file = await this.#context.http.file("statements", "application/zip", {
        method: "POST",
        body,
        receiving: (headers, bytes) => {
          come.add(bytes);
          this.#progressed(come, Number(headers.get("statement-sections")));
        },
      });
      saveFile(file);
      this.#state.replaceChildren(`${wordsOf(file, come)} `, button("Save it again", () => saveFile(file), { class: "link" }));
    });
    this.#making(false);
  }

  /** Show how many sections are done: of the newest, lines may still come. */
  #progressed({ sections, lines }, all) {
    const done = Math.max(0, sections - 1);
    this.#progress.max = all;
    this.#progress.value = done;
    this.#state.textContent = `Being made: ${number(done)} of ${count(all, "section")} done, ${count(lines, "line")} so far. Keep this tab open.`;
  }

  #making(now) {
    this.#make.disabled = now;
    show(this.#progress, now).removeAttribute("value");
    if (now) this.#state.textContent = "Being made. Keep this tab open.";
    else if (!this.#state.childElementCount) this.#state.textContent = "";
    announce(this.#state.firstChild?.textContent ?? "");
  }
}

const sectionsOf = (headers) => count(Number(headers.get("statement-sections")), "section");

const sizeOf = (bytes) => (bytes < MEGABYTE ? `${number(Math.ceil(bytes / 1000))} kB` : `${number(Math.round(bytes / MEGABYTE))} MB`);

function wordsOf({ name, content, headers }, { lines }) {
  const key = headers.get("statement-key");
  const signed = key ? `It is signed by the key ${key}.` : "It isn't signed: this installation has no key for statements.";
  return `${name} is saved: ${sectionsOf(headers)}, ${count(lines, "line")}, ${sizeOf(content.size)}. ${signed}`;
}
