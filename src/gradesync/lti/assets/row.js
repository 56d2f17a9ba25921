// Show one assignment: its state in the SIS, its problem, its switch, and what can be done with it.

import { button, h, sign } from "./dom.js";
import { capital, count, dateOf, isolated, SIS } from "./words.js";

/** The kinds of assignments that a list can be filtered by: key, label. */
export const KINDS = new Map([
  ["problem", "Problem"],
  ["changes-waiting", "Waiting"],
  ["not-sent", "Not all sent"],
  ["never-synced", "Never synced"],
  ["synced", "Sent"],
  ["left-out", "Left out"],
  ["opted-out", "Opted out"],
]);

/** Return the key of an assignment's kind. What a teacher chose is no problem; what failed doesn't wait. */
export function kindOf({ state, problem, scores_waiting, scores_not_sent }) {
  if (state === "problem" && !problem.needs_attention) return "left-out";
  const stands = state === "changes-waiting" || state === "synced";
  return stands && !scores_waiting && scores_not_sent > 0 ? "not-sent" : state;
}

/** Return the state in words, with its sign: `[sign, words]`. */
export function stateOf(item, times) {
  switch (kindOf(item)) {
    case "changes-waiting":
      if (item.scores_waiting > 0) return ["waiting", `${count(item.scores_waiting, "score")} waiting`];
      return ["waiting", "Changes waiting"];
    case "not-sent":
      return ["attention", `${count(item.scores_not_sent, "score")} not sent`];
    case "synced":
      return ["ok", item.last_sent ? `Last sent ${times.near(item.last_sent)}` : `In ${SIS}`];
    case "problem":
      return ["problem", "Problem"];
    default:
      return ["off", KINDS.get(kindOf(item))];
  }
}

/** Create the row. `turn(item)` turns the switch, `sync(item)` syncs this one alone. */
export function rowOf(context, item, { turn, sync }) {
  const title = isolated(item.title ?? `Assignment ${item.id}`);
  const [kind, words] = stateOf(item, context.times);
  const sent = item.last_sent && kindOf(item) !== "synced" && `Last sent ${context.times.near(item.last_sent)}`;
  return h(
    "li",
    {},
    h(
      "div",
      { class: "what" },
      h("p", { class: "title" }, title),
      h("p", { class: "note" }, factsOf(item).join(" · ")),
      item.problem && h("p", { class: "fix" }, `${item.problem.explanation} ${item.problem.fix}`),
      h("p", { class: "note links" }, linksOf(context, item, title, sync)),
    ),
    h("div", { class: "state" }, sign(kind), h("div", {}, words, sent && h("p", { class: "note" }, sent))),
    switchOf(context, item, title, turn),
  );
}

const factsOf = ({ category, points, due }) =>
  [
    category?.title && isolated(category.title.trim()),
    points !== null && `${points} ${points === "1" ? "point" : "points"}`,
    due && `due ${dateOf(due)}`,
  ].filter(Boolean);

function linksOf({ session }, item, title, sync) {
  const page = { href: item.url, target: "_blank", rel: "noopener noreferrer" };
  const alone = session.may_sync && item.sync_to_sis && !item.problem;
  return [
    item.url && h("a", { ...page, "aria-label": `Open in Schoology: ${title}` }, "Open in Schoology"),
    alone && button("Sync this one", () => sync(item), { class: "link", "aria-label": `Sync this one: ${title}` }),
  ];
}

function switchOf({ session }, item, title, turn) {
  const words = item.sync_to_sis ? "On" : "Off";
  if (!session.may_sync) return h("span", { class: "note" }, words);
  const toggle = h(
    "button",
    { type: "button", role: "switch", class: "switch", "aria-checked": String(item.sync_to_sis) },
    h("span", { class: "unseen" }, `Sync to SIS: ${title}`),
  );
  toggle.addEventListener("click", () => turn(item));
  return h("div", { class: "turn" }, toggle, h("span", { class: "note", "aria-hidden": "true" }, words));
}

/** Return how to sort: key -> a comparison of two assignments. */
export const ORDERS = new Map([
  ["gradebook", ["As in the gradebook", () => 0]],
  ["due", ["Due date", (a, b) => (a.due ?? "9").localeCompare(b.due ?? "9")]],
  ["title", ["Name", (a, b) => compare(a.title, b.title)]],
  ["category", ["Category", (a, b) => compare(a.category?.title, b.category?.title)]],
  ["state", ["State", (a, b) => order(a) - order(b)]],
]);

const NAMES = new Intl.Collator("en-US", { numeric: true, sensitivity: "base" });
const compare = (a, b) => NAMES.compare(a ?? "", b ?? "");
const KEYS = [...KINDS.keys()];
const order = (item) => KEYS.indexOf(kindOf(item));

/** Return the words of what turning a category does, to be read aloud. */
export const turned = (title, on, number) => capital(`${count(number, "assignment")} of ${isolated(title)} turned ${on ? "on" : "off"}.`);
