// Call the public API as this teacher, for this section. The token is only in this module's memory.

import { unique } from "./unique.js";

const ROOT = new URL("../", location.href);
const RECONNECT_MS = 2000;
const LOOK_AGAIN_MS = 1000;
const PAGE_ROWS = 200;

/** Describe a response that is not a success. */
export class Problem extends Error {
  constructor(status, { type = "", title, detail = "", fix = "" }, location = null) {
    super(title);
    Object.assign(this, { status, code: type.split("/").pop(), title, detail, fix, location });
  }
}

/** Signal that the token has expired: nothing works until the page is opened again. */
export class SessionOver extends Error {}

const UNREACHABLE = { title: "The service can't be reached.", fix: "Check your connection, then try again." };
const UNREADABLE = { title: "The service sent no usable response.", fix: "Try again in a minute." };

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
    let response;
    try {
      response = await fetch(new URL(path, ROOT), request);
    } catch {
      throw new Problem(0, UNREACHABLE);
    }
    if (response.ok) return response;
    if (response.status === 401) throw new SessionOver();
    throw new Problem(response.status, await problemOf(response), response.headers.get("location"));
  }

  async #json(path, options) {
    return (await this.#fetch(path, options)).json();
  }

  #sync(id) {
    return `${this.#section}/syncs/${encodeURIComponent(id)}`;
  }

  /** Read the link of the section, and the pause that it is under: `paused`, null for none. */
  section() {
    return this.#json(this.#section);
  }

  /** Read one page of the log: `items`, `next_cursor`. */
  log({ cursor, limit = 50 } = {}) {
    const query = new URLSearchParams({ limit, ...(cursor && { cursor }) });
    return this.#json(`${this.#section}/syncs?${query}`);
  }

  sync(id) {
    return this.#json(this.#sync(id));
  }

  /** Start a sync, or find the one that is running. */
  async start(options) {
    const headers = { "idempotency-key": unique() };
    try {
      return await this.#json(`${this.#section}/syncs`, { method: "POST", body: options, headers });
    } catch (error) {
      if (error.status === 409 && error.location) return this.#json(error.location.replace(/^\//, ""));
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
      try {
        const headers = lastId ? { "last-event-id": lastId } : {};
        const response = await this.#fetch(`${this.#sync(id)}/events`, { headers });
        for await (const event of eventsOf(response.body)) {
          lastId = event.id;
          yield JSON.parse(event.data);
        }
      } catch (error) {
        if (!isTransient(error)) throw error;
        lost();
      }
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    }
  }

  /** Read every outcome of a sync, or those of `filters`: `items`, `names_unavailable`, `students` of the class. */
  async outcomes(id, filters = {}) {
    const pages = await this.#pages(`${this.#sync(id)}/outcomes`, filters);
    return {
      items: pages.flatMap(({ items }) => items),
      names_unavailable: pages.some((page) => page.names_unavailable),
      students: pages[0].students,
    };
  }

  /** Read one page of the outcomes of an assignment: `items`, `next_cursor`, `names_unavailable`. */
  outcomesOfAssignment(id, assignment, cursor) {
    const query = new URLSearchParams({ limit: PAGE_ROWS, assignment, ...(cursor && { cursor }) });
    return this.#json(`${this.#sync(id)}/outcomes?${query}`);
  }

  /** Read every assignment of a sync, with the results of its scores in numbers: `items`. */
  async syncAssignments(id) {
    const pages = await this.#pages(`${this.#sync(id)}/assignments`);
    return { items: pages.flatMap(({ items }) => items) };
  }

  /** Read the state of every score as a sync left it: one page or more, each with its own `students`. */
  gradebook(id) {
    return this.#pages(`${this.#sync(id)}/gradebook`);
  }

  /** Compare both systems: `comparison` with its numbers, `pages` of its cells. Takes a while. */
  async compare() {
    let comparison = await this.#json(`${this.#section}/comparisons`, { method: "POST" });
    while (comparison.status === "processing") {
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      comparison = await this.#json(comparison.links.self.replace(/^\//, ""));
    }
    if (comparison.error) throw new Problem(0, comparison.error);
    return { comparison, pages: await this.#pages(comparison.links.cells.replace(/^\//, "")) };
  }

  async #pages(path, filters = {}) {
    const pages = [];
    let cursor;
    do {
      const query = new URLSearchParams({ limit: PAGE_ROWS, ...filters, ...(cursor && { cursor }) });
      pages.push(await this.#json(`${path}?${query}`));
      cursor = pages.at(-1).next_cursor;
    } while (cursor);
    return pages;
  }

  /** Return the outcomes of a sync as a file: `name`, `content`. */
  async spreadsheet(id) {
    const response = await this.#fetch(`${this.#sync(id)}/outcomes`, { headers: { accept: "text/csv" } });
    const [, name] = /filename="([^"]+)"/.exec(response.headers.get("content-disposition"));
    return { name, content: await response.blob() };
  }

  assignments() {
    return this.#json(`${this.#section}/assignments`);
  }

  /** Count what waits for the next sync: `assignments`, `scores`; null where it isn't known. */
  waiting() {
    return this.#json(`${this.#section}/waiting`);
  }

  switchAll(ids, on) {
    return this.#json(`${this.#section}/assignments`, { method: "PATCH", body: { ids, sync_to_sis: on } });
  }

  switch(id, on) {
    const path = `${this.#section}/assignments/${encodeURIComponent(id)}`;
    return this.#json(path, { method: "PATCH", body: { sync_to_sis: on } });
  }
}

/** Return whether an error may pass by itself. A stream that breaks off is a TypeError to the browser. */
const isTransient = (error) =>
  error instanceof TypeError || (error instanceof Problem && (error.status === 0 || error.status >= 500));

async function problemOf(response) {
  try {
    const problem = await response.json();
    return problem.title ? problem : UNREADABLE;
  } catch {
    return UNREADABLE;
  }
}

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
