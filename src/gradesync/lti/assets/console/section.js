// Show one section: its link, its categories, its comparisons, and what its teacher sees: the last sync, the assignments, the log.

import { AssignmentsView } from "../assignments.js";
import { h } from "../dom.js";
import { LogView } from "../log.js";
import { tabs } from "../tabs.js";
import { DriftPart } from "./drift.js";
import { LinkPart } from "./link.js";
import { NowView } from "./now.js";
import { PairsPart } from "./pairs.js";
import { linkTo } from "./fragments.js";
import { undoOf } from "./undo.js";

/** Return the page of a section. */
export async function pageOf(context, section) {
  const found = await context.http.json(`sections/${encodeURIComponent(section)}`);
  const teacher = asTeacher(context, section, found.title || `section ${section}`);
  teacher.beside = (sync) => undoOf(context, teacher, sync);
  return h(
    "div",
    {},
    h("p", {}, h("a", { href: linkTo("sections") }, "All sections")),
    h("h3", {}, found.title || `Section ${section}`),
    ...tabs([
      ["Last sync", new NowView(teacher)],
      ["Assignments", new AssignmentsView(teacher)],
      ["SIS Sync Log", new LogView(teacher)],
      ["Comparison", new DriftPart(context, section)],
      ["Categories", new PairsPart(context, section)],
      ["Link", new LinkPart(context, found)],
    ]),
  );
}

/** Return the context of the teacher's own views, for a person who starts and switches nothing there. */
const asTeacher = (context, section, teaches) => ({
  teaches,
  session: {
    person: context.session.person,
    section,
    may_sync: false,
  },
  api: context.section(section),
  times: context.times,
  ended: context.ended,
  failed: context.failed,
});
