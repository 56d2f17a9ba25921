// Show the district's policy.

import { h } from "../dom.js";
import { tableOf } from "./table.js";

const COLUMNS = [
  ["Setting", ([name]) => name.replaceAll("_", " ")],
  ["Value", ([, value]) => ({ true: "on", false: "off" })[value] ?? String(value).replaceAll("_", " ")],
];

export function create({ http }) {
  const element = h("div");
  return {
    element,
    async open() {
      element.replaceChildren(tableOf("The district's policy", COLUMNS, Object.entries(await http.json("policy"))));
    },
  };
}
