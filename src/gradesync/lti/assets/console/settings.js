// Show the district's policy, what it has paused, and its file as it is in force.

import { saveFile } from "../download.js";
import { button, h } from "../dom.js";
import { attemptsOf } from "./attempts.js";
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
    element: h("div", {}, h("h3", {}, "Policy"), policy, pauses.element, filePartOf(context)),
    async open() {
      policy.replaceChildren(tableOf("The district's policy", COLUMNS, Object.entries(await context.http.json("policy"))));
      await pauses.open();
    },
  };
}

/** Create the part that saves the district's file. */
function filePartOf(context) {
  const { notice, run } = attemptsOf(context);
  const save = () => run(async () => saveFile(await context.http.file("district/file", "text/plain")));
  const text = "All settings of your district as they are in force now. Compare it with the file that you keep. Secrets are never shown.";
  const parts = [h("p", { class: "text" }, text), button("Download the district file", save), notice];
  return h("section", { class: "part" }, h("h3", {}, "District file"), parts);
}
