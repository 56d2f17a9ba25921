// Explain why totals differ in both systems: for the class, and for each student.

import { announce, button, h, show } from "./dom.js";
import { nameOf, NAMES_MISSING } from "./problems.js";
import { unique } from "./unique.js";
import { capital, count, isolated, list, number, SIS } from "./words.js";

/** How a SIS may compute a grade: key of the API -> the words of a choice. */
const FORMULAS = [
  ["total-points", "Total points"],
  ["category-weights", "Category weights"],
];
const COLLATOR = new Intl.Collator("en-US", { numeric: true });

export class TotalsPart {
  #context;
  #student;
  #level;
  #running = false;
  #formula = h("select", { onchange: () => this.#forget() }, FORMULAS.map(([value, words]) => h("option", { value }, words)));
  #period = h("select", { onchange: () => this.#forget() }, h("option", { value: "" }, "The current grading period"));
  #periods;
  #explain = button("Explain the totals", () => this.#read());
  #status = h("p", { class: "quiet", role: "status" });
  #notice = h("p", { class: "notice", role: "alert", hidden: true });
  #found = h("div");

  /** `student`: the uid of the one whose totals are explained, null for the class. `level` is that of its heading. */
  constructor(context, { student = null, level = 2 } = {}) {
    this.#context = context;
    this.#student = student;
    this.#level = level;
    const about = `Both gradebooks are read, and the totals are calculated as Schoology and ${SIS} do it. Choose how ${SIS} calculates grades in this course.`;
    const choice = labeled(`${SIS} calculates grades by`, this.#formula);
    this.#periods = show(labeled("Totals of", this.#period), false);
    this.element = h(
      "section",
      { class: "part totals" },
      h(`h${level}`, {}, "Why do the totals differ?"),
      h("p", { class: "quiet" }, about),
      h("div", { class: "controls" }, choice, this.#periods, h("div", { class: "submit" }, this.#explain)),
      this.#status,
      this.#notice,
      this.#found,
    );
  }

  /** Offer the grading periods, as far as Schoology names them now. */
  async open() {
    const listing = await this.#context.api.assignments().catch(() => null);
    if (!listing) return;
    const found = new Map(listing.items.filter(({ period }) => period).map(({ period: { id, title } }) => [id, title ?? `Grading period ${id}`]));
    const chosen = this.#period.value;
    this.#period.replaceChildren(this.#period.firstElementChild, ...[...found].map(([value, words]) => h("option", { value }, words)));
    this.#period.value = found.has(chosen) ? chosen : "";
    if (this.#period.value !== chosen) this.#forget();
    show(this.#periods, found.size > 1);
  }

  /** Remove what was found for another choice. */
  #forget() {
    show(this.#notice, false);
    if (!this.#running) this.#status.textContent = this.#found.childElementCount ? AGAIN : "";
    this.#found.replaceChildren();
  }

  /** Read what was chosen, and once more where the choice has changed by then. */
  async #read() {
    if (this.#running) return;
    this.#running = true;
    this.#explain.setAttribute("aria-disabled", "true");
    this.#status.textContent = "Reading both gradebooks… This can take a minute.";
    show(this.#notice, false);
    try {
      const totals = await this.#totals();
      this.#found.replaceChildren(...partsOf(totals, this.#level));
      this.#status.textContent = `Calculated ${this.#context.times.near(new Date())}.`;
      announce(this.#found.firstElementChild.textContent);
    } catch (error) {
      this.#status.textContent = "";
      if (!this.#context.ended(error)) show(this.#notice, true).textContent = `${error.title} ${error.fix}`;
    } finally {
      this.#running = false;
      this.#explain.removeAttribute("aria-disabled");
    }
  }

  async #totals() {
    const [period, formula] = [this.#period.value, this.#formula.value];
    const totals = await this.#context.api.totals({ student: this.#student, period: period || null, sis: { formula } });
    return period === this.#period.value && formula === this.#formula.value ? totals : this.#totals();
  }
}

const AGAIN = "Press Explain the totals to see them for this choice.";

/** Return a control with its label. */
function labeled(words, control) {
  control.id = `totals-${unique()}`;
  return h("div", {}, h("label", { for: control.id }, words), control);
}

/** Return what was found, below a heading of a level: the causes in the class, each student, and what was assumed. */
function partsOf({ period, students, assumed, names_unavailable }, level) {
  const rows = students.map(({ student, totals: [total] }) => ({ name: nameOf(student), ...total }));
  rows.sort((a, b) => COLLATOR.compare(a.name, b.name));
  const causing = rows.filter(({ causes }) => causes.length > 0);
  const differing = rows.filter(({ schoology, sis }) => schoology !== sis);
  const agreeing = causing.filter((row) => !differing.includes(row));
  const where = period?.title ? `In ${isolated(period.title)}, ` : "";
  const none = rows.length > 0 ? "no total differs." : "there are no totals to compare.";
  const result = differing.length > 0 ? differ(differing.length, rows.length) : none;
  const headline = capital(where + result);
  return [
    h(`h${level + 1}`, {}, headline),
    names_unavailable && h("p", { class: "quiet" }, NAMES_MISSING),
    ...causesOf(causing, level + 2),
    ...studentsOf("By student", differing, level + 2),
    ...studentsOf("The total is the same, but not what it is made of", agreeing, level + 2),
    assumptions(assumed),
  ].filter(Boolean);
}

const differ = (n, all) => `${number(n)} of ${count(all, "total")} ${n === 1 ? "differs" : "differ"}.`;

const studentsOf = (title, rows, level) => (rows.length ? [h(`h${level}`, {}, title), h("ul", { class: "students" }, rows.map(studentRow))] : []);

/** List each cause once, with the number of students and the assignments that it is about. */
function causesOf(rows, level) {
  const found = new Map();
  for (const { causes } of rows) {
    for (const cause of causes) {
      const known = found.get(cause.code) ?? { ...cause, students: 0, titles: new Set() };
      known.students += 1;
      for (const { title } of cause.cells) known.titles.add(isolated(title));
      found.set(cause.code, known);
    }
  }
  return [...found.values()]
    .sort((a, b) => b.students - a.students)
    .map(({ title, fix, students, titles }) =>
      h("div", { class: "reason" }, h(`h${level}`, {}, title), h("p", { class: "fix" }, fix), h("p", { class: "note" }, [count(students, "student"), list(titles)].filter(Boolean).join(" · "))),
    );
}

/** Show one student: both totals, and each cause with the points that it is worth. */
function studentRow({ name, schoology, sis, difference, causes }) {
  const both = `Schoology ${percent(schoology)}, ${SIS} ${percent(sis)}`;
  const numbers = difference === null ? both : `${both}, ${apart(difference)}`;
  const body = h("ul", { class: "causes" });
  const fill = () => body.childElementCount === 0 && body.append(...causes.map(causeRow));
  return h(
    "li",
    {},
    h(
      "details",
      { ontoggle: fill },
      h("summary", {}, h("span", { class: "title" }, name), h("span", { class: "note" }, numbers)),
      body,
    ),
  );
}

function causeRow({ title, worth, cells }) {
  return h(
    "li",
    {},
    h("p", {}, worth !== null && h("strong", {}, `${apart(worth)}: `), title),
    h("p", { class: "note" }, cells.map((cell) => `${isolated(cell.title)}: ${cell.schoology ?? "blank"} in Schoology, ${cell.sis ?? "blank"} in ${SIS}`).join(" · ")),
  );
}

const percent = (points) => (points === null ? "no total" : `${points}%`);
const apart = (points) => (points.startsWith("-") ? `${points.slice(1)} lower` : `${points} higher`);

/** Say what no system shows, and what was assumed instead. */
function assumptions(assumed) {
  if (assumed.length === 0) return null;
  return h(
    "details",
    { class: "assumed" },
    h("summary", {}, `${count(assumed.length, "thing")} that neither Schoology nor ${SIS} shows`),
    h("ul", {}, assumed.map(({ text }) => h("li", {}, text))),
  );
}
