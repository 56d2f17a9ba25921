// Read a long list a page at a time: the next one when it is asked for.

import { button, h, show } from "./dom.js";
import { number } from "./words.js";

/**
 * Return `more`, an element to put below a list, `load`, which reads its first page, once, and `restart`, which reads
 * that page anew.
 *
 * `read(cursor)` returns a page with its `next_cursor`. `add(page, first)` shows it, `first` if the list begins with
 * it, and returns how many rows are left; null: that isn't known. A page is read once, however often somebody clicks,
 * and one that arrives after `restart` is dropped.
 */
export function pager(context, read, add, words = "Show more") {
  const notice = h("div");
  const next = button("", () => reading || turn(), { class: "link", hidden: true });
  let cursor = null;
  let reading = null;
  let first = null;

  async function turn() {
    const asked = (reading = read(cursor));
    notice.replaceChildren(h("p", { class: "quiet", role: "status" }, "Reading…"));
    next.setAttribute("aria-disabled", "true");
    try {
      const page = await asked;
      if (asked === reading) showPage(page);
    } catch (error) {
      if (asked === reading && !context.ended(error)) offerAgain(error);
    } finally {
      if (asked === reading) {
        reading = null;
        next.removeAttribute("aria-disabled");
      }
    }
  }

  function showPage(page) {
    const left = add(page, cursor === null);
    cursor = page.next_cursor;
    notice.replaceChildren();
    next.textContent = left === null ? words : `${words} (${number(left)} left)`;
    show(next, Boolean(cursor) && left !== 0);
  }

  function offerAgain(error) {
    notice.replaceChildren(h("p", { role: "alert" }, `${error.title} ${error.fix}`));
    show(next, true).textContent = "Try again";
  }

  function restart() {
    cursor = null;
    show(next, false);
    return (first = turn());
  }

  return { more: h("div", { class: "more" }, notice, next), load: () => first ?? restart(), restart };
}
