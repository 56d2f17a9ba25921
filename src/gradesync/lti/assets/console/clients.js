// Show who may call the API for the district, and which addresses get its messages.

import { h } from "../dom.js";
import { ClientsPart } from "./access.js";
import { WebhooksPart } from "./webhooks.js";

export function create(context) {
  const parts = [new ClientsPart(context), new WebhooksPart(context)];
  return {
    element: h("div", {}, parts.map(({ element }) => element)),
    async open() {
      await Promise.all(parts.map((part) => part.open()));
    },
  };
}
