// List the reports of what would not sync.

import { h } from "../dom.js";
import { count } from "../words.js";
import { tableOf } from "./table.js";

export function create({ http, times }) {
  const element = h("div");
  const columns = [
    ["Requested", ({ requested_at }) => times.whole(requested_at)],
    ["Status", ({ status }) => status],
    ["Sections", ({ progress: { done, total } }) => `${done} of ${total}`],
    ["Found", ({ findings }) => count(findings, "finding")],
  ];
  return {
    element,
    async open() {
      const { items } = await http.json("preflight");
      const none = h("p", { class: "quiet" }, "There was no report in the last 30 days.");
      element.replaceChildren(items.length ? tableOf("Reports of the last 30 days", columns, items) : none);
    },
  };
}
