// Word the refusals of the API for teachers: its own texts are for those who write programs.

import { count, SIS } from "./words.js";

const AGAIN = "Try again in a minute.";
const GENERAL = ["This didn't work.", "Try again. If it happens again, tell your administrator."];
/** Code of a problem -> what happened, what to do. */
const WORDS = new Map([
  ["too-many-requests", ["Too much was asked for at once.", AGAIN]],
  ["approval-not-possible", ["What you reviewed is too old to be sent.", "Press Sync to SIS to see what would change now."]],
  ["retry-not-possible", ["There is nothing left to retry.", "Press Sync to SIS to send what has changed."]],
  [
    "second-person-needed",
    [
      "The term has ended, so a second person has to send these changes.",
      "Ask another teacher of the section to open this page and review them. If there is none, ask your administrator.",
    ],
  ],
  ["reason-needed", ["These changes need a reason.", "Press Review, and enter one."]],
  ["not-course-admin", ["Only a course admin of this course can do this.", "Ask a teacher of the course to make you a course admin."]],
  ["sync-not-found", ["This sync isn't kept any more.", "The log has the syncs of the last 30 days."]],
  ["comparison-not-found", ["This comparison isn't kept any more.", "Press Compare now to make a new one."]],
  ["drift-not-found", ["One of these scores has changed since it was shown.", "Press Compare now, and choose again."]],
  ["assignment-not-found", ["The assignment isn't in this course any more.", "Open the tab Assignments again to see what is."]],
  ["period-not-found", ["The course doesn't have this grading period any more.", "Choose another one."]],
  ["upstream-unavailable", [`Schoology or ${SIS} isn't available right now.`, "Try again in a few minutes."]],
  ["service-unavailable", ["Sync to SIS isn't available right now.", AGAIN]],
]);

/** Return a problem in words for a teacher. Its detail names the system, where it is one of theirs. */
export function worded(problem) {
  const code = problem.type?.split("/").pop();
  if (!code) return { ...problem, fix: timed(problem.fix, problem) };
  const [title, fix] = WORDS.get(code) ?? GENERAL;
  if (!code.startsWith("upstream-") || !problem.detail) return { ...problem, title, fix: timed(fix, problem) };
  return { ...problem, title: problem.detail, fix: problem.fix };
}

/** Name the time after which it may work again, where that is known. */
const timed = (fix, { wait }) => (fix === AGAIN && wait ? `Try again in ${count(wait, "second")}.` : fix);
