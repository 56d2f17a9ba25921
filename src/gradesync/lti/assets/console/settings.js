// Show the district's policy, what it has paused, its file as it is in force, and what differs from the operator's.

import { saveFile } from "../download.js";
import { button, h } from "../dom.js";
import { attemptsOf } from "./attempts.js";
import { PausesPart } from "./pauses.js";
import { tableOf } from "./table.js";

const COLUMNS = [
  ["Setting", ([name]) => name.replaceAll("_", " ")],
  ["Value", ([, value]) => ({ true: "on", false: "off" })[value] ?? String(value).replaceAll("_", " ")],
];

const DIFFERENCES = [
  ["Setting", ({ setting }) => setting],
  ["In the operator's file", ({ filed }) => filed ?? "not set"],
  ["In force", ({ in_force }) => in_force ?? "not set"],
];

export function create(context) {
  const policy = h("div");
  const differences = h("div");
  const pauses = new PausesPart(context);
  return {
    element: h("div", {}, pauses.element, filePartOf(context, differences), h("section", { class: "part" }, h("h3", {}, "Policy"), policy)),
    async open() {
      await pauses.open();
      differences.replaceChildren(...differencesOf(await context.http.json("district/differences"), context.times));
      policy.replaceChildren(tableOf("The district's policy", COLUMNS, Object.entries(await context.http.json("policy"))));
    },
  };
}

/** Say what people changed since the operator's file was applied. */
function differencesOf({ applied_at: applied, items }, times) {
  if (!applied) return [h("p", { class: "quiet" }, "No file was applied by the operator: these settings are the only ones.")];
  const when = `The operator's file of ${times.whole(applied)}`;
  if (!items.length) return [h("p", { class: "quiet" }, `${when} has the same settings.`)];
  const text = `${when} has other settings. Applying it again would take these changes back: send the operator the file below.`;
  return [h("p", { class: "text" }, text), tableOf("What differs from the operator's file", DIFFERENCES, items)];
}

/** Create the part that saves the district's file, beside what differs from the operator's. */
function filePartOf(context, differences) {
  const { notice, run } = attemptsOf(context);
  const save = () => run(async () => saveFile(await context.http.file("district/file", "text/plain")));
  const text = "All settings of your district as they are in force now. Secrets are never shown, and not compared.";
  const parts = [differences, h("p", { class: "text" }, text), button("Download the district file", save), notice];
  return h("section", { class: "part" }, h("h3", {}, "District file"), parts);
}
