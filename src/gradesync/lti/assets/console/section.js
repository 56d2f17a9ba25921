// Show one section: its link, its categories, its log, and its assignments as its teacher sees them.

import { AssignmentsView } from "../assignments.js";
import { h } from "../dom.js";
import { LogView } from "../log.js";
import { tabs } from "../tabs.js";
import { linkTo } from "./places.js";

/** Return the page of a section. */
export async function pageOf(context, section) {
  const found = await context.http.json(`sections/${encodeURIComponent(section)}`);
  return h(
    "div",
    {},
    h("p", {}, h("a", { href: linkTo("sections") }, "All sections")),
    h("h3", {}, found.title || `Section ${section}`),
    ...tabs([
      ["SIS Sync Log", new LogView(asTeacher(context, section))],
      ["Assignments", new AssignmentsView(asTeacher(context, section))],
    ]),
  );
}

/** Return the context of the teacher's own views, for a person who looks and changes nothing there. */
const asTeacher = (context, section) => ({
  session: { person: context.session.person, may_sync: false, section },
  api: context.section(section),
  times: context.times,
  ended: context.ended,
});
