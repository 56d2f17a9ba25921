// Call the public API as this teacher, for this section.

import { Http, PAGE_ROWS, Problem } from "./http.js";
import { worded } from "./refusals.js";
import { unique } from "./unique.js";
import { pauseOf } from "./words.js";

const RECONNECT_MS = 2000;
const LOOK_AGAIN_MS = 1000;
const UNFINISHED = { title: "The comparison didn't finish in time.", fix: "Press Compare now to try again." };

export class Api {
  #http;
  #section;
  #urls = null;
  #reasons = Promise.resolve();

  constructor({ token, section }) {
    this.#http = new Http(token, worded);
    this.#section = `sections/${encodeURIComponent(section)}`;
  }

  #sync(id) {
    return `${this.#section}/syncs/${encodeURIComponent(id)}`;
  }

  /** Read the link of the section, and the pause that it is under: `paused`, null for none. */
  section() {
    return this.#http.json(this.#section);
  }

  /** Read one page of the log: `items`, `next_cursor`. */
  log({ cursor, limit = 50 } = {}) {
    const query = new URLSearchParams({ limit, ...(cursor && { cursor }) });
    return this.#http.json(`${this.#section}/syncs?${query}`);
  }

  sync(id) {
    return this.#http.json(this.#sync(id));
  }

  /** Start a sync, or find the one that is running. */
  async start(options) {
    const headers = { "idempotency-key": unique() };
    try {
      return await this.#http.json(`${this.#section}/syncs`, { method: "POST", body: options, headers });
    } catch (error) {
      if (error.status === 409 && error.location) return this.#http.json(error.location.replace(/^\//, ""));
      throw error;
    }
  }

  /** Report every state of a sync until it is settled, over lost connections too; resolves to the last one. */
  async follow(id, onState, lost = () => {}) {
    for await (const sync of this.#states(id, lost)) {
      onState(sync);
      if (sync.status !== "processing") return sync;
    }
  }

  async *#states(id, lost) {
    let lastId;
    for (;;) {
      let wait = 0;
      try {
        const headers = lastId ? { "last-event-id": lastId } : {};
        const response = await this.#http.fetch(`${this.#sync(id)}/events`, { headers });
        for await (const event of eventsOf(response.body)) {
          lastId = event.id;
          yield JSON.parse(event.data);
        }
      } catch (error) {
        if (!isTransient(error)) throw error;
        lost();
        wait = secondsOf(error);
      }
      await pause(Math.max(RECONNECT_MS, 1000 * wait));
    }
  }

  /** Read one page of the outcomes of a sync, filtered: `items`, `next_cursor`, `names_unavailable`. */
  outcomesPage(id, filters, cursor) {
    const query = new URLSearchParams({ limit: PAGE_ROWS, ...filters, ...(cursor && { cursor }) });
    return this.#http.json(`${this.#sync(id)}/outcomes?${query}`);
  }

  /** Read why something needs attention, was left out, or is worth knowing: `items`, `students` of the class. */
  reasons(id) {
    this.#reasons = this.#http.json(`${this.#sync(id)}/reasons`);
    return this.#reasons;
  }

  /** Read every assignment of a sync, with the results of its scores in numbers: `items`. */
  async syncAssignments(id) {
    const pages = await this.#http.pages(`${this.#sync(id)}/assignments`);
    return { items: pages.flatMap(({ items }) => items) };
  }

  /** Read the state of every score as a sync left it: one page or more, each with its own `students`. */
  gradebook(id) {
    return this.#http.pages(`${this.#sync(id)}/gradebook`);
  }

  /** Return the newest comparison of the last 30 days that didn't fail; undefined: there is none. */
  async lastComparison() {
    const { items } = await this.#http.json(`${this.#section}/comparisons`);
    return items.find(({ error }) => !error);
  }

  /** Compare both systems, and return the numbers. Takes a while; raises `Problem` where a pause would keep it waiting. */
  async runComparison() {
    const { paused } = await this.section();
    if (paused) throw new Problem(423, { title: pauseOf(paused), fix: "Compare again when they resume them." });
    return this.settledComparison(await this.#http.json(`${this.#section}/comparisons`, { method: "POST" }));
  }

  /** Wait for the end of a comparison, over lost connections too. */
  async settledComparison(started) {
    let comparison = started;
    for (let wait = 0; comparison.status === "processing"; ) {
      await pause(Math.max(LOOK_AGAIN_MS, 1000 * wait));
      try {
        comparison = await this.#http.json(comparison.links.self.replace(/^\//, ""));
        wait = 0;
      } catch (error) {
        if (!isTransient(error)) throw error;
        wait = secondsOf(error);
      }
    }
    const { error } = comparison;
    if (error) throw new Problem(0, error.code === "timed-out" ? UNFINISHED : { ...error, title: error.explanation });
    return comparison;
  }

  /** Read the cells of a comparison: one page or more. */
  comparedCells(comparison) {
    return this.#http.pages(comparison.links.cells.replace(/^\//, ""));
  }

  /** Read one page of the scores that someone changed in the SIS: `items`, `next_cursor`. */
  drift(cursor) {
    const query = new URLSearchParams({ limit: PAGE_ROWS, ...(cursor && { cursor }) });
    return this.#http.json(`${this.#section}/drift?${query}`);
  }

  /** Decide about scores that someone changed in the SIS. */
  decide(decisions) {
    return this.#http.json(`${this.#section}/drift`, { method: "POST", body: { decisions } });
  }

  /** Explain why totals differ. Takes a while. */
  totals(body) {
    return this.#http.json(`${this.#section}/totals`, { method: "POST", body });
  }

  /** Return the outcomes of a sync as a file: `name`, `content`. */
  spreadsheet(id) {
    return this.#http.file(`${this.#sync(id)}/outcomes`);
  }

  assignments() {
    return this.#http.json(`${this.#section}/assignments`);
  }

  /** Return assignment id -> its page in Schoology; without those whose page Schoology doesn't name now. */
  urls() {
    this.#urls ??= this.assignments().then(
      ({ items }) => new Map(items.filter(({ url }) => url).map(({ id, url }) => [id, url])),
      () => new Map(),
    );
    return this.#urls;
  }

  /** Count what waits for the next sync: `assignments`, `scores`; null where it isn't known. */
  async waiting() {
    await this.#reasons.catch(() => {}); // the result comes first: this reads Schoology
    return this.#http.json(`${this.#section}/waiting`);
  }

  switchAll(ids, on) {
    return this.#http.json(`${this.#section}/assignments`, { method: "PATCH", body: { ids, sync_to_sis: on } });
  }

  switch(id, on) {
    const path = `${this.#section}/assignments/${encodeURIComponent(id)}`;
    return this.#http.json(path, { method: "PATCH", body: { sync_to_sis: on } });
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Return whether an error may pass by itself. A stream that breaks off is a TypeError to the browser. */
const isTransient = (error) =>
  error instanceof TypeError ||
  (error instanceof Problem && (error.status === 0 || error.status === 429 || error.status >= 500));

/** Return the seconds after which what failed may succeed. */
const secondsOf = ({ wait }) => wait ?? RECONNECT_MS / 1000;

/** Yield the events of a text/event-stream. */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (text + value).split(/\r?\n\r?\n/);
      text = blocks.pop();
      for (const block of blocks) {
        const event = Object.fromEntries(block.split(/\r?\n/).map(fieldOf));
        if (event.data !== undefined) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function fieldOf(line) {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
}
