// List the latest syncs of the whole district.

import { h, sign } from "../dom.js";
import { resultOf, stageOf, statusOf } from "../words.js";
import { linkTo } from "./places.js";
import { tableOf } from "./table.js";

export function create({ http, times }) {
  const element = h("div");
  const columns = [
    ["Requested", ({ requested_at }) => times.whole(requested_at)],
    ["Section", ({ section_id: id }) => h("a", { href: linkTo("sections", [id]) }, id)],
    ["Status", (sync) => h("span", { class: "status" }, sign(statusOf(sync).kind), statusOf(sync).text)],
    ["Result", (sync) => (sync.status === "processing" ? stageOf(sync) : resultOf(sync).headline)],
  ];
  return {
    element,
    async open() {
      const { items } = await http.json("syncs?limit=50");
      const none = h("p", { class: "quiet" }, "There was no sync in the last 30 days.");
      element.replaceChildren(items.length ? tableOf("The latest syncs", columns, items) : none);
    },
  };
}
