// Show the district's policy, and what it has paused.

import { h } from "../dom.js";
import { PausesPart } from "./pauses.js";
import { tableOf } from "./table.js";

const COLUMNS = [
  ["Setting", ([name]) => name.replaceAll("_", " ")],
  ["Value", ([, value]) => ({ true: "on", false: "off" })[value] ?? String(value).replaceAll("_", " ")],
];

export function create(context) {
  const policy = h("div");
  const pauses = new PausesPart(context);
  return {
    element: h("div", {}, h("h3", {}, "Policy"), policy, pauses.element),
    async open() {
      policy.replaceChildren(tableOf("The district's policy", COLUMNS, Object.entries(await context.http.json("policy"))));
      await pauses.open();
    },
  };
}
