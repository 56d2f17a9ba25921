// Copy to the clipboard what somebody else is to read.

import { announce, button } from "./dom.js";

/** Create a button that copies a text; the text is made when it is pressed. */
export function copyButton(textOf, words = "Copy for your administrator") {
  const copy = button(words, async () => {
    const copied = await write(textOf());
    copy.textContent = copied ? "Copied" : "Your browser doesn't allow copying here";
    announce(copy.textContent);
  });
  copy.className = "link copy";
  return copy;
}

/** A page inside another one may not use the clipboard: there a selected text is copied. */
async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeSelected(text);
  }
}

function writeSelected(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}

/** Return whether a fix may need somebody who has to know which sync it is about. */
export const needsOthers = ({ who, fix }) => who === "admin" || fix.includes("administrator");

/** Return the button that copies why a sync stopped, where somebody else has to know; none otherwise. */
export const stopCopies = (sync) => (sync?.error && needsOthers(sync.error) ? [copyButton(() => reportOf(sync, sync.error, []))] : []);

/** Return what to send about one reason: the sync, the reason, its fix, and each line that it is about. */
export function reportOf(sync, reason, lines) {
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
