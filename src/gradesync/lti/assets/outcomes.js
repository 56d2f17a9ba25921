// Show the outcomes of assignments and scores: by reason and by name, with what to do.

import { changes } from "./changes.js";
import { button, h, sign } from "./dom.js";
import { comparison, picture } from "./picture.js";
import { NAMES_MISSING, problems, warnedOf } from "./problems.js";
import { failed, isGuarded, sent, skipped } from "./words.js";

/** Return the outcomes of a settled sync. Long parts are read when they are opened. */
export function outcomesOf(context, sync) {
  const assignments = once(() => context.api.syncAssignments(sync.id));
  const warnings = once(() => readWarnings(context, sync));
  const parts = [];
  const warned = Object.values(sync.warnings).reduce((sum, n) => sum + n, 0);
  const future = sync.dry_run || isGuarded(sync);
  const changed = ({ items }) => changes(context, sync, items, future);
  if (isGuarded(sync) && !sync.dry_run) {
    parts.push(fold(context, "What would have changed", assignments, changed, { open: true }));
  } else if (needsAttention(sync)) {
    const read = once(() => attentive(context, sync, warnings));
    const title = sync.dry_run ? "What would need attention" : "Needs attention";
    parts.push(section(context, title, read, (outcomes) => problems(sync, outcomes)));
  }
  if (sent(sync) && !isGuarded(sync)) {
    parts.push(fold(context, sync.dry_run ? "What would be sent" : "What was sent", assignments, changed, { open: sync.dry_run }));
  }
  if (skipped(sync) > 0) {
    const read = once(() => context.api.outcomes(sync.id, { result: "skipped" }));
    const calm = (outcomes) => problems(sync, only(outcomes, ({ reason }) => !reason.needs_attention));
    parts.push(fold(context, "Left out", read, calm, { open: sync.dry_run }));
  }
  if (warned > 0) {
    const calm = (outcomes) => problems(sync, only(outcomes, ({ reason }) => !reason.needs_attention));
    parts.push(fold(context, "Worth knowing", warnings, calm));
  }
  parts.push(picture(context, sync));
  if (!sync.dry_run && context.session.may_compare !== false) parts.push(comparison(context));
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

const only = (outcomes, chosen) => ({ ...outcomes, items: outcomes.items.filter(chosen) });

/** Read what needs attention: what failed, what the rules left out, and what differs although it was sent. */
async function attentive(context, sync, warnings) {
  const read = (result, n) => (n > 0 ? context.api.outcomes(sync.id, { result }) : NOTHING);
  const [unsent, leftOut, warned] = await Promise.all([
    read("failed", failed(sync)),
    read("skipped", skipped(sync)),
    warnings(),
  ]);
  const differing = [...leftOut.items, ...warned.items];
  return {
    items: [...unsent.items, ...differing.filter(({ reason }) => reason.needs_attention)],
    names_unavailable: unsent.names_unavailable || leftOut.names_unavailable || warned.names_unavailable,
    students: unsent.students ?? leftOut.students ?? warned.students,
  };
}

const NOTHING = { items: [], names_unavailable: false, students: null };

/** Read one item for each warning of an outcome, with the warning as its reason. */
async function readWarnings(context, sync) {
  const codes = Object.keys(sync.warnings);
  const found = await Promise.all(codes.map((reason) => context.api.outcomes(sync.id, { reason }).catch(unknown)));
  return {
    items: found.flatMap(({ items }, n) => items.flatMap((item) => warnedOf(item, codes[n]))),
    names_unavailable: found.some((outcomes) => outcomes.names_unavailable),
    students: found.find(({ students }) => students !== null)?.students ?? null,
  };
}

/** Leave out a warning of a later release, which this one cannot list. */
function unknown(error) {
  if (error.status === 422) return NOTHING;
  throw error;
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
    body.replaceChildren(h("p", { role: "alert" }, `${error.title} `, button("Try again", again, { class: "link" })));
  }
}

/** Return the heading of a sync's result: a sign, one sentence, and one more. */
export function resultHead({ kind, headline, text }) {
  return [
    h("div", { class: "headline" }, sign(kind), h("h3", {}, headline)),
    text && h("p", { class: "text" }, text),
  ];
}
