// Word what to do about refusals of the API for the console: the API's own texts are for those who write programs.

const LIST = "Open this page again: the list has changed.";
/** Code of a problem -> what to do, with what the console has. */
const FIXES = new Map([
  ["request-not-valid", "Check what you entered."],
  ["student-not-found", "Check the id, and whose id it is. A score of the student must have synced."],
  ["section-not-found", "Check the section's id in Schoology."],
  ["sync-in-progress", "Wait until that sync has ended, then try again."],
  ["undo-not-possible", "Choose a later moment, or another assignment or student."],
  ["approval-not-possible", "Preview it again, then send what the preview shows."],
  ["reason-needed", "Enter a reason: the history keeps it."],
  ["service-sync-off", "Ask the operator of gradesync to allow it in your district's policy."],
  ["runs-off", "Ask the operator of gradesync to allow runs in your district's policy."],
  ["run-in-progress", "Wait until that run has ended, or stop it below."],
  ["run-empty", "Choose sections that have synced before: the page Sections lists them."],
  ["schedules-off", "Ask the operator of gradesync to allow schedules in your district's policy."],
  ["pair-not-possible", "Pair active categories, each once, unless your district's policy allows many to one."],
  ["preflight-in-progress", "Wait until that report has ended, then start another."],
  ...["comparison", "schedule", "run", "preflight", "pause", "webhook", "client", "delivery"].map((what) => [`${what}-not-found`, LIST]),
]);

/** Return a problem with what to do in words of the console. */
export function worded(problem) {
  const fix = FIXES.get(problem.type?.split("/").pop());
  return fix ? { ...problem, fix } : problem;
}
