// Show the rules by which categories of other titles pair.

import { h } from "../dom.js";
import { SIS } from "../words.js";
import { tableOf } from "./table.js";

const COLUMNS = [
  ["Schoology category", ({ title }) => title],
  [`${SIS} category`, ({ sis_title }) => sis_title],
];

export function create({ http }) {
  const element = h("div");
  return {
    element,
    async open() {
      const { rules } = await http.json("categories/titles");
      const none = h("p", { class: "quiet" }, "There are no rules. Categories of equal titles pair by themselves.");
      element.replaceChildren(rules.length ? tableOf("Rules by title", COLUMNS, rules) : none);
    },
  };
}
