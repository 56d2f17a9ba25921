// Show the district at a glance.

import { h } from "../dom.js";
import { count } from "../words.js";

export function create({ http }) {
  const element = h("div");
  return {
    element,
    async open() {
      const { items } = await http.json("sections?limit=200");
      element.replaceChildren(h("p", { class: "text" }, `${count(items.length, "section")} so far.`));
    },
  };
}
