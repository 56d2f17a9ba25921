// List the assignments that aren't the same in both systems: name, points, due date, category.

import { STATES } from "./edits.js";
import { h } from "./dom.js";
import { dateOf, isolated, SIS } from "./words.js";

const FIELDS = new Map([
  ["name", "Name"],
  ["points", "Points"],
  ["due", "Due date"],
  ["category", "Category"],
  ["counts", "Counts in the final grade"],
]);

/** Return the fields that differ as a part of a page; null where none does. `heading` is its element. */
export function differingFields({ fields }, heading) {
  if (!fields?.differing.length) return null;
  return h("section", { class: "part" }, h(heading, {}, "Assignments that differ"), h("ul", { class: "fields" }, fields.differing.map(lineOf)));
}

function lineOf({ assignment: { id, title }, field, state, sent, sis, schoology }) {
  const name = h("span", { class: "title" }, isolated(title ?? `Assignment ${id}`));
  if (field === "assignment") return h("li", {}, name, h("p", { class: "note" }, `Deleted in ${SIS}.`));
  const [inSis, here] = [sis, schoology ?? sent].map((value) => (value && field === "due" ? dateOf(value) : value && isolated(value)));
  const values = state === "unreadable" ? "" : ` ${inSis} in ${SIS}, ${here} in Schoology.`;
  return h("li", {}, name, h("p", { class: "note" }, `${FIELDS.get(field)}:${values} ${STATES.get(state).words}.`));
}
