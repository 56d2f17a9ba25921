// Say that a student's scores can be looked up in the section's gradebook.

import { h } from "../dom.js";
import { linkTo } from "./places.js";

export function create() {
  const way = h("a", { href: linkTo("sections") }, "Find the section");
  const element = h("p", {}, way, " to see the state of every score that was sent from it.");
  return { element, open: () => {} };
}
