// Show one section: its link, its categories, its comparisons and totals, what can be put back, and what its teacher sees: the last sync, the assignments, the log.

import { AssignmentsView } from "../assignments.js";
import { h } from "../dom.js";
import { LogView } from "../log.js";
import { tabs } from "../tabs.js";
import { TotalsPart } from "../totals.js";
import { isolated } from "../words.js";
import { DriftPart } from "./drift.js";
import { LinkPart } from "./link.js";
import { NowView } from "./now.js";
import { PairsPart } from "./pairs.js";
import { linkTo } from "./fragments.js";
import { asTeacher } from "./teacher.js";
import { PutBackView, undoOf } from "./undo.js";

/** Return the page of a section. */
export async function pageOf(context, section) {
  const found = await context.http.json(`sections/${encodeURIComponent(section)}`);
  const teacher = asTeacher(context, section, isolated(found.title || `section ${section}`));
  teacher.beside = (sync) => undoOf(context, teacher, sync);
  return h(
    "div",
    {},
    h("p", {}, h("a", { href: linkTo("sections") }, "All sections")),
    h("h3", {}, isolated(found.title || `Section ${section}`)),
    ...tabs([
      ["Last sync", new NowView(teacher)],
      ["Assignments", new AssignmentsView(teacher)],
      ["SIS Sync Log", new LogView(teacher)],
      ["Comparison", new DriftPart(context, section)],
      ["Totals", new TotalsPart(teacher, { level: 4 })],
      ["Put back", new PutBackView(context, teacher)],
      ["Categories", new PairsPart(context, section)],
      ["Link", new LinkPart(context, found)],
    ]),
  );
}
