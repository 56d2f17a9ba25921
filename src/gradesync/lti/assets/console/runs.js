// Show the runs of many sections: start one, follow it, stop it; and the latest syncs.

import { button, h, show, sign } from "../dom.js";
import { count, number, resultOf, stageOf, statusOf } from "../words.js";
import { attemptsOf } from "./attempts.js";
import { linkTo } from "./fragments.js";
import { SchedulesPart } from "./schedules.js";
import { tableOf } from "./table.js";

const LOOK_AGAIN_MS = 2000;
const SYNCS_SHOWN = 50;
const UNDER_WAY = new Set(["processing", "stopping"]);

export function create(context) {
  const view = new RunsView(context);
  return { element: view.element, open: () => view.open(), close: () => view.close() };
}

class RunsView {
  #context;
  #timer = null;
  #runs = h("div");
  #syncs = h("div");
  #attempts;
  #schedules;
  #form;
  #off = h("p", { class: "quiet" }, "The district's policy has runs off, so nobody can start one.");
  #reason = h("select", { id: "run-reason" });
  #titles = new Map();
  #school = h("input", { id: "run-school", autocomplete: "off" });
  #sections = h("input", { id: "run-sections", autocomplete: "off" });

  constructor(context) {
    this.#context = context;
    this.#attempts = attemptsOf(context);
    this.#schedules = new SchedulesPart(context);
    const parts = [h("h3", {}, "Runs"), this.#runs, this.#schedules.element, h("h3", {}, "The latest syncs"), this.#syncs];
    this.#form = this.#makeForm();
    this.element = h("div", {}, this.#form, this.#off, this.#attempts.notice, parts);
  }

  async open() {
    this.close();
    const { http } = this.#context;
    const [{ reasons }, policy] = await Promise.all([http.json("overview"), http.json("policy")]);
    this.#offer(reasons);
    show(this.#form, policy.runs && this.#context.may("syncs:write"));
    show(this.#off, !policy.runs);
    const { items } = await this.#context.http.json(`syncs?limit=${SYNCS_SHOWN}`);
    this.#syncs.replaceChildren(this.#tableOfSyncs(items));
    await this.#schedules.open(policy.schedules);
    await this.#look();
  }

  /** Offer the reasons that occur, each with the number of its sections. */
  #offer(reasons) {
    this.#titles = new Map(reasons.map(({ reason: { code, title } }) => [code, title]));
    const chosen = this.#reason.value;
    const options = reasons.map(({ reason: { code, title }, sections }) => h("option", { value: code }, `${title} (${count(sections, "section")})`));
    this.#reason.replaceChildren(h("option", { value: "" }, "Any"), ...options);
    this.#reason.value = this.#titles.has(chosen) ? chosen : "";
  }

  close() {
    clearTimeout(this.#timer);
  }

  #makeForm() {
    const fields = [
      ["Only sections whose last sync has this reason", [this.#reason]],
      ["Only sections of this school (its id in Schoology)", this.#context.schools.suggest(this.#school)],
      ["Only these sections (their ids in Schoology, with commas between)", [this.#sections]],
    ].map(([text, [input, options]]) => h("div", {}, h("label", { for: input.id }, text), input, options));
    const start = (dry_run) => () => this.#start(dry_run);
    return h(
      "form",
      { class: "form", onsubmit: (event) => event.preventDefault() },
      h("p", { class: "note" }, "Fill in one of these, or none for all sections."),
      fields,
      h("div", { class: "actions" }, button("Sync them now", start(false)), button("Preview them", start(true))),
    );
  }

  async #start(dry_run) {
    const ids = this.#sections.value.split(/[\s,]+/).filter(Boolean);
    const body = { dry_run, reason: this.#reason.value || null, school: this.#school.value.trim() || null, sections: ids.length ? ids : null };
    await this.#attempts.run(async () => {
      await this.#context.http.json("runs", { method: "POST", body });
      await this.#look();
    });
  }

  /** Read the runs, and again while one is under way. */
  async #look() {
    this.close();
    const { items } = await this.#context.http.json("runs");
    this.#runs.replaceChildren(items.length ? this.#tableOfRuns(items) : h("p", { class: "quiet" }, "No run in the last 30 days."));
    if (items.some(({ status }) => UNDER_WAY.has(status))) {
      this.#timer = setTimeout(() => this.#attempts.run(() => this.#look()), LOOK_AGAIN_MS);
    }
  }

  #tableOfRuns(runs) {
    const columns = [
      ["Requested", ({ requested_at }) => this.#context.times.whole(requested_at)],
      ["By", ({ requested_by, schedule_id }) => `${requested_by.kind} ${requested_by.id}${schedule_id ? ", by schedule" : ""}`],
      ["Sections", (run) => choiceOf(run, this.#context.schools, this.#titles)],
      ["State", (run) => stateOf(run, this.#context.times)],
      ["Results", resultsOf],
      ["", (run) => this.#stopOf(run)],
    ];
    return tableOf("Runs of the last 30 days", columns, runs);
  }

  #stopOf({ id, status }) {
    if (status !== "processing" || !this.#context.may("syncs:write")) return "";
    const stop = async () => {
      await this.#context.http.json(`runs/${encodeURIComponent(id)}/stop`, { method: "POST" });
      await this.#look();
    };
    return button("Stop", () => this.#attempts.run(stop), { class: "link" });
  }

  #tableOfSyncs(syncs) {
    const columns = [
      ["Requested", ({ requested_at }) => this.#context.times.whole(requested_at)],
      ["Section", ({ section_id: id }) => h("a", { href: linkTo("sections", [id]) }, id)],
      ["Status", (sync) => h("span", { class: "status" }, sign(statusOf(sync).kind), statusOf(sync).text)],
      ["Result", (sync) => (sync.status === "processing" ? stageOf(sync) : resultOf(sync).headline)],
    ];
    return syncs.length ? tableOf("The latest syncs", columns, syncs) : h("p", { class: "quiet" }, "No sync in the last 30 days.");
  }
}

function choiceOf({ chosen: { sections, school, reason }, dry_run, counts }, schools, titles) {
  const which = [count(counts.total, "section"), sections && "chosen ones", reason && `with “${titles.get(reason) ?? reason}”`].filter(Boolean).join(", ");
  return [which, school && [", of ", schools.label(school)], dry_run && " (preview)"];
}

function stateOf({ status, finishes_by, counts: { total, waiting, processing } }, times) {
  if (!UNDER_WAY.has(status)) return { complete: "Complete", stopped: "Stopped" }[status];
  const done = `${number(total - waiting - processing)} of ${number(total)} done`;
  return status === "stopping" ? `Stopping: ${done}` : `Running: ${done}, all by ${times.near(finishes_by)}`;
}

const WORDS = [
  ["all_sent", "right"],
  ["needs_attention", "need attention"],
  ["stopped_for_review", "stopped for review"],
  ["failed", "failed"],
  ["skipped", "skipped"],
];

/** Return the numbers by result, and why sections were skipped. */
const resultsOf = (run) => [countsOf(run), run.skips.map(({ title, count: n }) => h("p", { class: "note" }, `${number(n)} skipped: ${title}`))];

const countsOf = ({ counts }) =>
  WORDS.filter(([key]) => counts[key] > 0)
    .map(([key, words]) => `${number(counts[key])} ${words}`)
    .join(", ");
