// Let the views of a section's teacher show it to a person of the console.

/** Return the context of the teacher's own views, for a person who starts and switches nothing there. */
export const asTeacher = (context, section, teaches) => ({
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
