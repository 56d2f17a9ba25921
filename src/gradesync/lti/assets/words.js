// Render sentences and times: a sync in words for a teacher.

const LIST = new Intl.ListFormat("en-US");
const NUMBER = new Intl.NumberFormat("en-US");
const A_DAY = 86_400_000;
const CLOCK = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" };

/** The name of the SIS, as its users know it. */
export const SIS = document.querySelector("main").dataset.sis;

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g;

/** Keep the direction of what people typed from the text around it. */
export function isolated(text) {
  const plain = text.replace(DIRECTIONS, "");
  return RIGHT_TO_LEFT.test(plain) ? `\u2068${plain}\u2069` : plain;
}

export const number = (n) => NUMBER.format(n);
export const list = (parts) => LIST.format(parts);

export function count(n, one, many = `${one}s`) {
  return `${number(n)} ${n === 1 ? one : many}`;
}

/** Return what was or would be done, as parts of a sentence; `done` chooses the past tense. */
function actions({ assignments, scores }, done) {
  const parts = [
    [assignments.created, "create", "created", "assignment"],
    [assignments.recreated, "create again", "created again", "assignment"],
    [assignments.updated, "change", "changed", "assignment"],
    [scores.written, "send", "sent", "score"],
    [scores.cleared, "clear", "cleared", "score"],
  ].filter(([n]) => n > 0);
  return parts.map(([n, will, did, what]) => (done ? `${count(n, what)} ${did}` : `${will} ${count(n, what)}`));
}

const NONE = { assignments: 0, scores: 0 };
const CORRECT = "Review it, or correct the gradebook in Schoology and sync again.";
const ASK = "Press Sync to SIS, then a second person can review it.";
const OLD = "That was more than a day ago. Press Sync to SIS to see what would change now.";

/** Return what needs attention, as parts of a sentence. */
const attentionOf = ({ attention }) => {
  const { assignments, scores } = attention ?? NONE;
  return [assignments > 0 && count(assignments, "assignment"), scores > 0 && count(scores, "score")].filter(Boolean);
};

export const failed = (sync) => sync.assignments.failed + sync.scores.failed;
export const skipped = (sync) => sync.assignments.skipped + sync.scores.skipped;
export const sent = (sync) => actions(sync, true).length > 0;

/** Return whether a plan waits for approval: the guard stopped it or would, or it's no longer the approved one. */
export const isGuarded = ({ result, guard, fingerprint }) =>
  result === "stopped-for-review" && Boolean(guard) && Boolean(fingerprint);

/** Return who requested a sync, as far as that is known. */
export function byOf({ requested_by: { kind, id, name } }, { person }) {
  if (id === person) return "by you";
  if (kind !== "teacher") return "by your district";
  return name ? `by ${isolated(name)}` : "";
}

/** Return what waits for the next sync in a sentence; empty where nothing is known to wait. */
export function waitingOf({ assignments, scores }) {
  const parts = [scores > 0 && count(scores, "score"), assignments > 0 && count(assignments, "assignment")].filter(Boolean);
  const agreed = (scores ?? 0) + (assignments ?? 0) === 1 ? "has" : "have";
  return parts.length ? `${capital(list(parts))} ${agreed} changed in Schoology since the last sync.` : "";
}

/** Return the words beside a status; a sync that was ended may have sent a part with nothing to attend to. */
const attended = (n) => (n ? `${number(n)} ${n === 1 ? "needs" : "need"} attention` : "a part was sent");

/** Return the status as the help pages have it, with the result beside it: `{kind, text}`. */
export function statusOf(sync) {
  const { assignments, scores } = sync.attention ?? NONE;
  const status = { processing: "Processing", complete: "Complete", failed: "Failed" }[sync.status];
  const [kind, beside] = {
    "all-sent": ["ok", ""],
    "needs-attention": ["attention", attended(assignments + scores)],
    "stopped-for-review": ["attention", "stopped for review"],
    failed: ["problem", "nothing was sent"],
  }[sync.result] ?? ["running", ""];
  return { kind, text: beside ? `${status} · ${beside}` : status };
}

/** Return whether whoever reads this may send a plan that waits for approval. */
export const isSendable = ({ approval }) => Boolean(approval?.by_caller) && !isOld(approval);
const isOld = ({ until }) => Date.now() > Date.parse(until);

/**
 * Return the result in one or two sentences: `{kind, headline, text}`; the kind is that of a sign.
 *
 * `next`: also what to do about a plan that waits, where the same page has the buttons for it.
 */
export function resultOf(sync, { next = false } = {}) {
  if (isGuarded(sync)) return guardedOf(sync, next);
  if (isEmpty(sync)) return { kind: "off", headline: "There were no assignments to send.", text: "Nothing was sent." };
  if (sync.dry_run) return previewOf(sync);
  const done = actions(sync, true);
  const sum = done.length ? `${capital(list(done))}.` : "";
  if (sync.error) {
    const part = sync.applied === "none" ? "Nothing was sent." : `Part of it was sent. ${sum}`.trim();
    const kind = sync.result === "failed" ? "problem" : "attention";
    return { kind, headline: sync.error.explanation, text: `${part} ${sync.error.fix}` };
  }
  if (sync.result === "failed") return { kind: "problem", headline: `Nothing could be sent to ${SIS}.`, text: "" };
  if (sync.result === "needs-attention") {
    const text = sync.approve && sum ? `As approved: ${list(done)}.` : sum;
    return { kind: "attention", headline: needing(sync, "need"), text: text || "There was nothing else to send." };
  }
  if (sync.approve && done.length) {
    return { kind: "ok", headline: `As approved: ${list(done)}.`, text: `${capital(subjectOf(sync))} in ${SIS}.` };
  }
  return { kind: "ok", headline: `${capital(subjectOf(sync))} in ${SIS}.`, text: sum || "Nothing had changed, so nothing was sent." };
}

/** Return whether the course had nothing that a sync could send. */
const isEmpty = ({ result, assignments, scores, assignments_selected: selected, undo }) =>
  result === "all-sent" && selected === null && !undo && assignments.read + scores.read === 0;

/** Return what stopped a sync, or would stop it, and what comes next. */
function guardedOf(sync, next) {
  const whose = sync.approval?.by_caller ? "your" : "someone else's";
  const stop = sync.dry_run ? `${sync.undo ? "This undo" : "A sync"} would stop for ${whose} review.` : "Nothing was sent.";
  const { explanation } = sync.dry_run ? sync.guard : sync.error;
  return { kind: "attention", headline: explanation, text: next ? `${stop} ${nextOf(sync)}` : stop };
}

function nextOf({ approval, error }) {
  if (isOld(approval)) return OLD;
  if (approval.by_caller) return CORRECT;
  return error?.code === "late-change" ? error.fix : ASK;
}

/** Return what a sync was about: everything, or the assignments that were chosen. */
function subjectOf({ assignments_selected: selected, retry_of, undo }) {
  if (undo) return "what was put back is";
  if (selected === null) return "everything is";
  if (retry_of) return "what was retried is";
  return selected.length === 1 ? "this assignment is" : `these ${count(selected.length, "assignment")} are`;
}

function needing(sync, verb) {
  const { assignments, scores } = sync.attention ?? NONE;
  const agreed = verb === "need" && assignments + scores === 1 ? "needs" : verb;
  return `${capital(list(attentionOf(sync)))} ${agreed} attention.`;
}

function previewOf(sync) {
  if (sync.error) {
    const text = `Nothing was sent. ${sync.error.fix}`;
    return { kind: "problem", headline: sync.error.explanation, text };
  }
  const would = actions(sync, false);
  const what = sync.undo ? "This undo" : "A sync";
  const but = attentionOf(sync).length ? ` ${needing(sync, "would need")}` : "";
  if (!would.length) {
    const kind = but ? "attention" : "ok";
    return { kind, headline: `${what} would change nothing in ${SIS}.`, text: but.trim() || (sync.undo ? "" : "Everything is up to date.") };
  }
  return { kind: "waiting", headline: `${what} would ${list(would)}.`, text: `Nothing has been sent yet.${but}` };
}

/** Return why syncs are paused, as sentences: in the district's words. */
export const pauseOf = ({ reason }) => `Your district has paused syncs: ${isolated(reason)}`;

/** Return what a running sync is doing. */
export function stageOf(sync) {
  const { stage, dry_run } = sync;
  if (sync.paused) return "Paused by your district";
  if (stage === "writing" && !dry_run && sync.progress.total) return `Sending to ${SIS}: ${progressOf(sync)}`;
  return {
    queued: "Waiting for its turn",
    reading: "Reading the Schoology gradebook",
    planning: `Comparing with ${SIS}`,
    writing: `Sending to ${SIS}`,
    settled: "Finishing",
  }[stage];
}

/** Return what approving a plan does, as the words of a button: "Clear 301 scores". */
export function approvalOf({ danger, cleared, zeroed, recreated, late }) {
  const parts = {
    assignments: [`create ${count(recreated, "assignment")} again`],
    scores: [cleared > 0 && `clear ${count(cleared, "score")}`, zeroed > 0 && `send ${count(zeroed, "zero")}`],
  }[danger] ?? [];
  if (late > 0) parts.push(`make ${count(late, "change")} after the term`);
  return parts.length ? capital(list(parts.filter(Boolean))) : "Send these changes";
}

/** Return how far a sync is: scores and assignments, never calls. */
export const progressOf = ({ progress: { done, total } }) => `${number(done)} of ${count(total, "assignment or score", "assignments and scores")}`;

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Format times as the teacher's clock shows them. */
export class Times {
  constructor(zone) {
    this.#day = format(zone, { year: "numeric", month: "2-digit", day: "2-digit" });
    this.#time = format(zone, { hour: "numeric", minute: "2-digit" });
    this.#date = format(zone, { month: "short", day: "numeric" });
    this.#whole = format(zone, { month: "short", day: "numeric", year: "numeric", hour: "numeric", minute: "2-digit" });
    this.#named = format(zone, { timeZoneName: "longGeneric" });
    this.#clock = format(zone, { ...CLOCK, hourCycle: "h23" });
  }

  #day;
  #time;
  #date;
  #whole;
  #named;
  #clock;

  /** Return the common name of the time zone: "Pacific Time". */
  get zone() {
    return this.#named.formatToParts().find(({ type }) => type === "timeZoneName").value;
  }

  /**
   * Return the moment at which the clock shows a date and a time: "2026-11-29T08:30".
   *
   * Of a time that the clock shows twice it is the first; a time that the clock skips counts from before the skip.
   */
  moment(shown) {
    const wanted = Date.parse(`${shown}Z`);
    const moments = [wanted - A_DAY, wanted + A_DAY].map((near) => wanted - this.#offset(near));
    const at = moments.find((each) => each + this.#offset(each) === wanted) ?? moments[0];
    return new Date(at).toISOString();
  }

  #offset(at) {
    const shown = Object.fromEntries(this.#clock.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(shown.year, shown.month - 1, shown.day, shown.hour, shown.minute) - at;
  }

  time = (iso) => this.#time.format(new Date(iso));
  whole = (iso) => this.#whole.format(new Date(iso));

  /** Return a time near today: "today at 3:20 PM". */
  near(iso) {
    const then = new Date(iso);
    const day = this.#day.format(then);
    const at = this.#time.format(then);
    if (day === this.#day.format(new Date())) return `today at ${at}`;
    if (day === this.#day.format(new Date(Date.now() - A_DAY))) return `yesterday at ${at}`;
    return `${this.#date.format(then)} at ${at}`;
  }
}

function format(zone, options) {
  try {
    return new Intl.DateTimeFormat("en-US", { ...options, timeZone: zone ?? undefined });
  } catch {
    return new Intl.DateTimeFormat("en-US", options);
  }
}

/** Return a date without a time. */
export function dateOf(text) {
  const day = new Date(`${text}T00:00:00Z`);
  return new Intl.DateTimeFormat("en-US", { month: "short", day: "numeric", timeZone: "UTC" }).format(day);
}
