// List the sections, and show one: its link, its categories, its log, and its assignments as its teacher sees them.

import { h } from "../dom.js";
import { SIS } from "../words.js";
import { linkTo } from "./places.js";
import { pageOf } from "./section.js";
import { tableOf } from "./table.js";

const COLUMNS = [
  ["Section", ({ id, title }) => h("a", { href: linkTo("sections", [id]) }, title || `Section ${id}`)],
  ["School code", ({ code }) => code ?? "none"],
  [`${SIS} section`, ({ sis_section }) => sis_section?.id ?? "not linked"],
];

export function create(context) {
  const element = h("div");
  return {
    element,
    async open({ rest: [section] }) {
      if (section) element.replaceChildren(await pageOf(context, section));
      else await list();
    },
  };

  async function list() {
    const { items } = await context.http.json("sections?limit=200");
    const none = h("p", { class: "quiet" }, "No section was synced yet.");
    element.replaceChildren(items.length ? tableOf("Sections", COLUMNS, items) : none);
  }
}
