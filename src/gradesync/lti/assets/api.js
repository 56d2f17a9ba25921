// The public API, as this teacher, for this section. The token lives in this module's memory alone.

import { unique } from "./unique.js";

const ROOT = new URL("../", location.href);
const AGAIN_MS = 2000;
const PAGE_ROWS = 200;

/** An answer that is no success, in its own words. */
export class Problem extends Error {
  constructor(status, { type = "", title, fix = "" }, place = null) {
    super(title);
    Object.assign(this, { status, code: type.split("/").pop(), title, fix, place });
  }
}

/** The token has ended: nothing works any more until the page is opened again. */
export class SessionOver extends Error {}

const UNREACHABLE = { title: "The service cannot be reached.", fix: "Check your connection, then try again." };
const UNREADABLE = { title: "The service gave no usable answer.", fix: "Try again in a minute." };

export class Api {
  #token;
  #section;

  constructor({ token, section }) {
    this.#token = token;
    this.#section = `sections/${encodeURIComponent(section)}`;
  }

  async #fetch(path, { method = "GET", body, headers = {} } = {}) {
    const request = {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...headers },
      credentials: "omit",
      cache: "no-store",
    };
    if (body !== undefined) {
      request.body = JSON.stringify(body);
      request.headers["content-type"] = "application/json";
    }
    let answer;
    try {
      answer = await fetch(new URL(path, ROOT), request);
    } catch {
      throw new Problem(0, UNREACHABLE);
    }
    if (answer.ok) return answer;
    if (answer.status === 401) throw new SessionOver();
    throw new Problem(answer.status, await problemOf(answer), answer.headers.get("location"));
  }

  async #json(path, options) {
    return (await this.#fetch(path, options)).json();
  }

  #sync(id) {
    return `${this.#section}/syncs/${encodeURIComponent(id)}`;
  }

  /** One page of the log: `items`, `next_cursor`. */
  log({ cursor, limit = 50 } = {}) {
    const query = new URLSearchParams({ limit, ...(cursor && { cursor }) });
    return this.#json(`${this.#section}/syncs?${query}`);
  }

  sync(id) {
    return this.#json(this.#sync(id));
  }

  /** Starts a sync, or finds the one that is running. */
  async start(wanted) {
    const headers = { "idempotency-key": unique() };
    try {
      return await this.#json(`${this.#section}/syncs`, { method: "POST", body: wanted, headers });
    } catch (error) {
      if (error.status === 409 && error.place) return this.#json(error.place.replace(/^\//, ""));
      throw error;
    }
  }

  /** Tells every state of a sync until it is settled, over lost connections too; resolves to the last one. */
  async follow(id, tell, lost = () => {}) {
    for await (const sync of this.#states(id, lost)) {
      tell(sync);
      if (sync.status !== "processing") return sync;
    }
  }

  async *#states(id, lost) {
    let seen;
    for (;;) {
      try {
        const headers = seen ? { "last-event-id": seen } : {};
        const answer = await this.#fetch(`${this.#sync(id)}/events`, { headers });
        for await (const event of eventsOf(answer.body)) {
          seen = event.id;
          yield JSON.parse(event.data);
        }
      } catch (error) {
        if (!isPassing(error)) throw error;
        lost();
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  /** What became of things, up to `most` rows: `items`, `more`, `names_unavailable`. */
  async outcomes(id, { result, most = 2000 } = {}) {
    const found = { items: [], more: false, names_unavailable: false };
    let cursor;
    do {
      const query = new URLSearchParams({ limit: PAGE_ROWS, ...(result && { result }), ...(cursor && { cursor }) });
      const page = await this.#json(`${this.#sync(id)}/outcomes?${query}`);
      found.items.push(...page.items);
      found.names_unavailable ||= page.names_unavailable;
      cursor = page.next_cursor;
    } while (cursor && found.items.length < most);
    found.more = Boolean(cursor);
    return found;
  }

  async spreadsheet(id) {
    return (await this.#fetch(`${this.#sync(id)}/outcomes`, { headers: { accept: "text/csv" } })).blob();
  }

  assignments() {
    return this.#json(`${this.#section}/assignments`);
  }

  switch(id, on) {
    const path = `${this.#section}/assignments/${encodeURIComponent(id)}`;
    return this.#json(path, { method: "PATCH", body: { sync_to_sis: on } });
  }
}

/** Whether it may go away by itself. A stream that breaks off is a TypeError to the browser. */
const isPassing = (error) =>
  error instanceof TypeError || (error instanceof Problem && (error.status === 0 || error.status >= 500));

async function problemOf(answer) {
  try {
    const told = await answer.json();
    return told.title ? told : UNREADABLE;
  } catch {
    return UNREADABLE;
  }
}

/** The events of a text/event-stream. */
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
