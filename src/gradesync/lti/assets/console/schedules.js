// Show the schedules of runs with what their next window will do; add one, and remove it.

import { button, h, show } from "../dom.js";
import { Problem } from "../http.js";
import { capital, count, list, number } from "../words.js";
import { attemptsOf } from "./attempts.js";
import { whereOf } from "./schools.js";
import { tableOf } from "./table.js";

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const NO_DAY = { title: "The schedule has no day.", fix: "Choose at least one." };

export class SchedulesPart {
  #context;
  #attempts;
  #list = h("div");
  #form;
  #allowed = false;
  #off = h("p", { class: "quiet" }, "The district's policy has schedules off, so none begins a run.");
  #days = DAYS.map((day) => h("input", { type: "checkbox", id: `schedule-${day}`, value: day }));
  #begins = h("input", { id: "schedule-begins", type: "time", value: "01:00", required: true });
  #ends = h("input", { id: "schedule-ends", type: "time", value: "05:00", required: true });
  #school = h("input", { id: "schedule-school", autocomplete: "off" });
  #section = h("input", { id: "schedule-section", autocomplete: "off" });

  constructor(context) {
    this.#context = context;
    this.#attempts = attemptsOf(context);
    this.#form = this.#makeForm();
    this.element = h("section", { class: "part" }, h("h3", {}, "Schedules"), this.#list, this.#off, this.#form, this.#attempts.notice);
  }

  /** `allowed`: the district's policy has schedules. */
  async open(allowed) {
    this.#allowed = allowed;
    show(this.#form, allowed && this.#context.may("syncs:write"));
    show(this.#off, !allowed);
    const { items } = await this.#context.http.json("schedules?limit=200");
    const columns = [
      ["Sections", ({ level, school, section }) => whereOf(this.#context, level, { school, section })],
      ["When", whenOf],
      ["Next time", ({ next }) => this.#nextOf(next)],
      ["Decided by", ({ decided_by }) => `${decided_by.kind} ${decided_by.id}`],
      ["", ({ id }) => this.#context.may("syncs:write") && button("Remove", () => this.#remove(id), { class: "link" })],
    ];
    this.#list.replaceChildren(items.length ? tableOf("Schedules", columns, items) : h("p", { class: "quiet" }, "Nothing begins by itself."));
  }

  /** Return what the next window will do: when it begins, for how many it has time, and when it has ended. */
  #nextOf({ begins, sections, room, finishes_by }) {
    const { whole, time } = this.#context.times;
    const all = room < sections ? `time for ${number(room)} of ${count(sections, "section")}` : count(sections, "section");
    return `${whole(begins)}: ${all}, done by ${time(finishes_by)}`;
  }

  #makeForm() {
    const days = this.#days.map((input) => h("label", { class: "choice" }, input, capital(input.value)));
    const fields = [
      ["From, by the district's clock", [this.#begins]],
      ["To, on the next day unless it comes after that", [this.#ends]],
      ["Only this school (its id in Schoology)", this.#context.schools.suggest(this.#school)],
      ["Only this section (its id in Schoology)", [this.#section]],
    ].map(([text, [input, ...more]]) => h("div", {}, h("label", { for: input.id }, text), input, more));
    const add = h("div", { class: "actions" }, button("Add the schedule", null, { type: "submit" }));
    const group = h("fieldset", { class: "days" }, h("legend", {}, "Days"), days);
    return h("form", { class: "form", onsubmit: (event) => this.#add(event) }, group, fields, add);
  }

  #add(event) {
    event.preventDefault();
    const body = {
      days: this.#days.filter(({ checked }) => checked).map(({ value }) => value),
      begins: this.#begins.value,
      ends: this.#ends.value,
      school: this.#school.value.trim() || null,
      section: this.#section.value.trim() || null,
    };
    return this.#attempts.run(async () => {
      if (!body.days.length) throw new Problem(422, NO_DAY);
      await this.#context.http.json("schedules", { method: "POST", body });
      event.target.reset();
      await this.open(this.#allowed);
    });
  }

  #remove(id) {
    return this.#attempts.run(async () => {
      await this.#context.http.json(`schedules/${encodeURIComponent(id)}`, { method: "DELETE" });
      await this.open(this.#allowed);
    });
  }
}

const whenOf = ({ days, begins, ends }) => `${capital(list(days.map(capital)))}, ${begins} to ${ends}`;
