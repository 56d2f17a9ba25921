// Send requests to our own API. The token is only in this module's memory.

const ROOT = new URL("../", location.href);
export const PAGE_ROWS = 200;

/** Describe a response that is not a success. `wait`: seconds after which the request may succeed, null: unknown. */
export class Problem extends Error {
  constructor(status, { type = "", title, detail = "", fix = "", wait = null }, location = null) {
    super(title);
    Object.assign(this, { status, code: type.split("/").pop(), title, detail, fix, wait, location });
  }
}

/** Signal that the token has expired: nothing works until the page is opened again. */
export class SessionOver extends Error {}

const UNREACHABLE = { title: "The service can't be reached.", fix: "Check your connection, then try again." };
const BROKEN_OFF = { title: "The download stopped before its end.", fix: "Check your connection, then try again." };
const UNREADABLE = { title: "The service sent no usable response.", fix: "Try again in a minute." };

/** Send requests with one token. Raises `Problem` for a refusal, `SessionOver` once the token has expired. */
export class Http {
  #token;
  #worded;
  #newest = null;

  /** `worded` returns a problem in the words of those who read it. */
  constructor(token, worded = (problem) => problem) {
    this.#token = token;
    this.#worded = worded;
  }

  async fetch(path, { method = "GET", body, headers = {} } = {}) {
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
    throw new Problem(response.status, this.#worded(await problemOf(response)), response.headers.get("location"));
  }

  /** Return the body of a response; null where it has none. A second click does not send the same change twice. */
  json(path, options = {}) {
    if ((options.method ?? "GET") === "GET") return this.#json(path, options);
    const change = JSON.stringify([options.method, path, options.body]);
    if (this.#newest?.change === change) return this.#newest.response;
    const sent = { change, response: this.#json(path, options) };
    const end = () => {
      if (this.#newest === sent) this.#newest = null;
    };
    this.#newest = sent;
    sent.response.then(end, end);
    return sent.response;
  }

  async #json(path, options) {
    const response = await this.fetch(path, options);
    return response.status === 204 ? null : read(response.json());
  }

  /** Read every page of a list. */
  async pages(path, filters = {}) {
    const pages = [];
    let cursor;
    do {
      const query = new URLSearchParams({ limit: PAGE_ROWS, ...filters, ...(cursor && { cursor }) });
      pages.push(await this.json(`${path}?${query}`));
      cursor = pages.at(-1).next_cursor;
    } while (cursor);
    return pages;
  }

  /** Return a file: `name`, `content`, and `headers`. `receiving(headers, bytes)` gets each part that comes. */
  async file(path, accept = "text/csv", { receiving = () => {}, ...options } = {}) {
    const response = await this.fetch(path, { ...options, headers: { accept } });
    const { headers } = response;
    const [, name] = /filename="([^"]+)"/.exec(headers.get("content-disposition"));
    const parts = [];
    try {
      for (const reader = response.body.getReader(); ; ) {
        const { done, value } = await reader.read();
        if (done) return { name, content: new Blob(parts, { type: accept }), headers };
        parts.push(value);
        receiving(headers, value);
      }
    } catch {
      throw new Problem(0, BROKEN_OFF);
    }
  }
}

/** Read a body, which a connection that is lost cuts short. */
async function read(body) {
  try {
    return await body;
  } catch (error) {
    throw new Problem(0, error instanceof SyntaxError ? UNREADABLE : UNREACHABLE);
  }
}

async function problemOf(response) {
  const wait = Number.parseInt(response.headers.get("retry-after"), 10) || null;
  try {
    const problem = await response.json();
    return { ...(problem.title ? problem : UNREADABLE), wait };
  } catch {
    return { ...UNREADABLE, wait };
  }
}
