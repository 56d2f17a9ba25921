// Show the outcomes of assignments and scores: by reason and by name, with what to do.

import { changes } from "./changes.js";
import { button, h, sign } from "./dom.js";
import { picture } from "./picture.js";
import { NAMES_MISSING, problems } from "./problems.js";
import { failed, isGuarded, isSendable, sent, skipped } from "./words.js";

/** Return the outcomes of a settled sync. Long parts are read when they are opened. */
export function outcomesOf(context, sync) {
  const assignments = once(() => context.api.syncAssignments(sync.id));
  const reasons = once(() => context.api.reasons(sync.id));
  const parts = [];
  const warned = Object.values(sync.warnings).reduce((sum, n) => sum + n, 0);
  const future = sync.dry_run || isGuarded(sync);
  const changed = ({ items }) => changes(context, sync, items, future);
  const listed = (chosen) => ({ items, students }) => problems(context, sync, items.filter(chosen), students);
  if (isGuarded(sync) && !sync.dry_run) {
    parts.push(fold(context, "What would have changed", assignments, changed, { open: true }));
  } else if (needsAttention(sync)) {
    const title = sync.dry_run ? "What would need attention" : "Needs attention";
    parts.push(section(context, title, reasons, listed(({ reason }) => reason.needs_attention)));
  }
  if (sent(sync) && !(isGuarded(sync) && isSendable(sync))) {
    parts.push(fold(context, sync.dry_run ? "What would be sent" : "What was sent", assignments, changed, { open: sync.dry_run }));
  }
  if (skipped(sync) > 0) {
    const calm = ({ reason, warning }) => !warning && !reason.needs_attention;
    parts.push(fold(context, "Left out", reasons, listed(calm), { open: sync.dry_run }));
  }
  if (warned > 0) {
    const calm = ({ reason, warning }) => warning && !reason.needs_attention;
    parts.push(fold(context, "Worth knowing", reasons, listed(calm)));
  }
  parts.push(picture(context, sync));
  return h("div", { class: "outcomes" }, parts);
}

/** Return a function that reads what a plan would change into an element. */
export const readerOf = (context, sync) => (body) => {
  const render = ({ items }) => changes(context, sync, items, true);
  return fill(context, body, () => context.api.syncAssignments(sync.id), render);
};

/** Return whether there is something to list: a sync that read nothing has nothing. */
function needsAttention(sync) {
  const { assignments = 0, scores = 0 } = sync.attention ?? {};
  return assignments + scores > 0 || (failed(sync) > 0 && !isGuarded(sync));
}

function once(read) {
  let result;
  return () => (result ??= read().catch((error) => {
    result = undefined;
    throw error;
  }));
}

function section(context, title, read, render) {
  const body = h("div");
  fill(context, body, read, render);
  return h("section", { class: "part" }, h("h3", {}, title), body);
}

function fold(context, title, read, render, { open = false } = {}) {
  const body = h("div");
  const load = () => body.childElementCount === 0 && fill(context, body, read, render);
  const details = h(
    "details",
    { class: "part", open, ontoggle: () => details.open && load() },
    h("summary", {}, h("h3", {}, title)),
    body,
  );
  return details;
}

async function fill(context, body, read, render) {
  body.replaceChildren(h("p", { class: "quiet", role: "status" }, "Reading…"));
  try {
    const outcomes = await read();
    body.replaceChildren(
      ...[
        outcomes.names_unavailable && h("p", { class: "quiet" }, NAMES_MISSING),
        ...render(outcomes),
      ].filter(Boolean),
    );
  } catch (error) {
    if (context.ended(error)) return;
    const again = () => fill(context, body, read, render);
    body.replaceChildren(h("p", { role: "alert" }, `${error.title} ${error.fix} `, button("Try again", again, { class: "link" })));
  }
}

/** Return the heading of a sync's result: a sign, one sentence, and one more. */
export function resultHead({ kind, headline, text }) {
  return [
    h("div", { class: "headline" }, sign(kind), h("h3", {}, headline)),
    text && h("p", { class: "text" }, text),
  ];
}
