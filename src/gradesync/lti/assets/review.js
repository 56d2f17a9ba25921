// Review what the guard stopped: what would happen to each score, and the button that sends it.

import { announce, button, focusOn, h, show } from "./dom.js";
import { approvalOf, SIS } from "./words.js";

/** Return the review of a stopped sync: an element, and `open`, which shows it. `send` sends what it shows. */
export function reviewOf(sync, read, send) {
  const heading = h("h3", {}, "What would change");
  const body = h("div");
  const element = h("section", { class: "part", hidden: true }, heading, body, confirmation(sync, send));
  let asked;
  return {
    element,
    async open() {
      show(element, true);
      focusOn(heading);
      asked ??= read(body);
      await asked;
    },
  };
}

/** Create the button that sends a plan. It names what is in danger, and asks once more. */
function confirmation(sync, send) {
  const words = approvalOf(sync.guard);
  const question = h("p", {}, `${words} in ${SIS}? Everything else in this list is sent, too. Families may see it at once.`);
  const why = sync.guard.late > 0 ? h("input", { maxlength: 300, required: true }) : null;
  const ask = button(`${words}…`, () => turn(true), { class: "grave" });
  const cancel = button("Cancel", () => turn(false));
  const sure = button(words, () => (why && !why.reportValidity() ? null : send(why?.value.trim())), { class: "grave" });
  const group = h("div", { class: "confirm", role: "group", "aria-label": "Confirm", hidden: true }, question);
  if (why) group.append(h("label", {}, "Reason for the change ", why));
  group.append(h("div", { class: "actions" }, sure, cancel));
  group.addEventListener("keydown", ({ key }) => key === "Escape" && turn(false));

  function turn(asking) {
    show(ask, !asking);
    show(group, asking);
    if (asking) announce(question.textContent);
    (asking ? cancel : ask).focus();
  }

  return h("div", { class: "approval" }, ask, group);
}
