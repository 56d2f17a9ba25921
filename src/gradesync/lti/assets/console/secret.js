// Show a new secret, which no later request shows again.

import { announce, button, h, show } from "../dom.js";

/** Return `element`, hidden until `reveal(name, values)` shows pairs of a name and a text that must be kept. */
export function secretOf() {
  const element = h("div", { class: "notice", hidden: true });
  return {
    element,
    reveal(name, values) {
      const kept = values.map(([term, text]) => [h("dt", {}, term), h("dd", {}, h("code", {}, text))]);
      const done = button("I have stored it", () => show(element, false).replaceChildren(), { class: "link" });
      element.replaceChildren(h("p", {}, `${name}. Store the secret now: it is shown only once.`), h("dl", {}, kept), done);
      show(element, true);
      announce(`${name}. The secret is shown only once.`);
    },
  };
}
