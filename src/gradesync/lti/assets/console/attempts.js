// Try what a person asked for, and show why it failed beside it.

import { h, show } from "../dom.js";

/** Return `notice`, an element, and `run(work)`, which shows there why `work` failed. */
export function attemptsOf(context) {
  const notice = h("p", { class: "notice", role: "alert", hidden: true });
  return {
    notice,
    async run(work) {
      try {
        await work();
        show(notice, false);
      } catch (error) {
        if (context.ended(error)) return;
        show(notice, true).textContent = `${error.title} ${error.fix}`;
      }
    },
  };
}
