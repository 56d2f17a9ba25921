// Read a long list a page at a time: the next one when it is asked for.

import { button, h } from "./dom.js";
import { number } from "./words.js";

/**
 * Return `more`, an element to put below a list, and `load`, which reads its first page, once.
 *
 * `read(cursor)` returns a page with its `next_cursor`. `add(page)` shows it, and returns how many rows are left;
 * null: that isn't known.
 */
export function pager(context, read, add) {
  const more = h("div", { class: "more" });

  async function load(cursor) {
    more.replaceChildren(h("p", { class: "quiet", role: "status" }, "Reading…"));
    try {
      const page = await read(cursor);
      const left = add(page);
      const words = left === null ? "Show more" : `Show more (${number(left)} left)`;
      const next = button(words, () => load(page.next_cursor), { class: "link", hidden: !page.next_cursor || left === 0 });
      more.replaceChildren(next);
    } catch (error) {
      if (context.ended(error)) return;
      const again = button("Try again", () => load(cursor), { class: "link" });
      more.replaceChildren(h("p", { role: "alert" }, `${error.title} ${error.fix} `, again));
    }
  }

  let first = null;
  return { more, load: () => (first ??= load()) };
}
