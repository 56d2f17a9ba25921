// List the addresses that get a message for every settled sync.

import { h } from "../dom.js";
import { tableOf } from "./table.js";

export function create({ http, times }) {
  const element = h("div");
  const columns = [
    ["Webhook", ({ url }) => url],
    ["Added", ({ created_at }) => times.whole(created_at)],
  ];
  return {
    element,
    async open() {
      const { items } = await http.json("webhooks");
      const none = h("p", { class: "quiet" }, "The district has no webhook.");
      element.replaceChildren(items.length ? tableOf("Webhooks", columns, items) : none);
    },
  };
}
