// Copy to the clipboard what somebody else is to read.

import { announce, button } from "./dom.js";
import { count, isolated, number, SIS } from "./words.js";

const SHOWN = 20; // assignments that a message names

/** Create a button that copies a text; the text is made when it is pressed. */
export function copyButton(textOf, words) {
  const copy = button(words, async () => {
    const copied = await write(textOf());
    copy.textContent = copied ? "Copied" : "Your browser doesn't allow copying here";
    announce(copy.textContent);
  }, { class: "link copy" });
  return copy;
}

/** A page inside another one may not use the clipboard, and asking is a violation: a selected text is copied. */
async function write(text) {
  if (writeSelected(text)) return true;
  return navigator.clipboard?.writeText(text).then(() => true, () => false) ?? false;
}

function writeSelected(text) {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused.focus();
  return copied;
}

/** Return whether a fix may need somebody who has to know which sync it is about. */
const needsOthers = ({ who, fix }) => who === "admin" || fix.includes("administrator");

/**
 * Return the button that copies a reason for whoever has to act, and isn't the reader; null where that is nobody.
 * A teacher copies it for the administrator. An administrator, whose context has `teaches`, copies it for the teacher.
 */
export function copyFor({ teaches }, sync, reason, concerned = []) {
  if (teaches) {
    return reason.who === "admin" || !reason.needs_attention ? null : copyButton(() => messageOf(teaches, reason, concerned), "Copy the message to the teacher");
  }
  return needsOthers(reason) ? copyButton(() => reportOf(sync, reason, concerned.map(lineOf)), "Copy for your administrator") : null;
}

/** Return the button that copies why a sync stopped, where somebody else has to know; none otherwise. */
export const stopCopies = (context, sync) => (sync?.error ? [copyFor(context, sync, sync.error)].filter(Boolean) : []);

/** Return what a teacher is to do: no student is named, because the teacher's own page does. */
function messageOf(section, reason, concerned) {
  const students = concerned.filter(({ student }) => student).length;
  const titles = concerned.filter(({ student, assignment }) => !student && assignment?.title).map(({ assignment }) => isolated(assignment.title));
  const more = titles.length - SHOWN;
  const about = [
    ...titles.slice(0, SHOWN),
    more > 0 && `and ${number(more)} more`,
    students > 0 && `${count(students, "student")}, listed on the page of the sync in your course`,
  ].filter(Boolean);
  return ["Hello,", "", `In ${isolated(section)}, the sync to ${SIS} needs you:`, "", reason.title, ...about.map((line) => `- ${line}`), `What to do: ${reason.fix}`].join("\n");
}

/** Name students by their ids: whoever gets the copy may not be meant to see their names. */
function lineOf({ student, assignment, scores, first }) {
  const about = student ? `student ${student.id}` : `${isolated(assignment?.title ?? "")} (assignment ${assignment?.id ?? "unknown"})`;
  return [about, scores > 0 && count(scores, "score"), ...new Set(first.map(({ about: facts }) => facts))].filter(Boolean).join(", ");
}

/** Return what to send about one reason: the sync, the reason, its fix, and each line that it is about. */
function reportOf(sync, reason, lines) {
  return [
    reason.explanation,
    reason.fix,
    `Reason: ${reason.code}`,
    `Sync: ${sync.id}`,
    `Section: ${sync.section_id}`,
    reason.detail && `Details: ${reason.detail}`,
    ...lines,
  ]
    .filter(Boolean)
    .join("\n");
}
