// Name schools by their titles, as far as Schoology gives them; their ids stay beside.

import { h } from "../dom.js";
import { isolated } from "../words.js";

export class Schools {
  #http;
  #titles = null;
  #none = false;

  /** `http` sends requests with the session's token. */
  constructor(http) {
    this.#http = http;
  }

  #read() {
    this.#titles ??= readTitles(this.#http).then((titles) => {
      this.#none = titles.size === 0;
      return titles;
    });
    return this.#titles;
  }

  /** Read the titles again from now on, if there were none: Schoology may have had no calls to spare. */
  retry() {
    if (this.#none) this.#titles = null;
  }

  /** Return an element that names a school: by its id at once, by its title as soon as that is known. */
  label(id, wordsOf = (name) => name) {
    return this.#name(h("span"), id, wordsOf);
  }

  /** Return an option that names a school in the same way. */
  option(id) {
    return this.#name(h("option", { value: id }), id);
  }

  #name(element, id, wordsOf = (name) => name) {
    element.textContent = wordsOf(id);
    this.#read().then((titles) => {
      if (titles.has(id)) element.textContent = wordsOf(`${isolated(titles.get(id))} (${id})`);
    });
    return element;
  }

  /** Let a field for the id of a school suggest titles. Returns it with its suggestions. */
  suggest(input) {
    const options = h("datalist", { id: `${input.id}-titles` });
    input.setAttribute("list", options.id);
    this.#read().then((titles) => options.append(...[...titles].map(([value, title]) => h("option", { value }, title))));
    return [input, options];
  }
}

/** Name what a pause or a schedule is for. */
export function whereOf({ schools }, level, { school, section }) {
  if (level === "school") return schools.label(school, (name) => `School ${name}`);
  return level === "section" ? `Section ${section}` : "The whole district";
}

/** Read the titles by id; none where they cannot be read, because the ids do. */
async function readTitles(http) {
  try {
    const { items } = await http.json("schools");
    return new Map(items.map(({ id, title }) => [id, title]));
  } catch {
    return new Map();
  }
}
