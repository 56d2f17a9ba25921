// Show the district at a glance: how its sections stand, why, what waits, and how both systems can be called.

import { h, sign } from "../dom.js";
import { capital, count, dateOf, list, number, SIS } from "../words.js";
import { chartOf, tilesOf } from "./chart.js";
import { linkTo } from "./fragments.js";
import { STATES } from "./states.js";
import { tableOf } from "./table.js";

const GROUPS_SHOWN = 20;

export function create(context) {
  const element = h("div");
  return {
    element,
    async open() {
      element.replaceChildren(); // what was counted before leads to sections that have changed since
      const found = await context.http.json("overview");
      element.replaceChildren(
        tilesOf(found.sections, (query) => linkTo("sections", [], query)),
        part("The last 30 days", chartOf(found.days)),
        part("What needs attention most", reasonsOf(found.reasons)),
        groupsOf("By school", "School", found.schools, ({ school }) => (school ? context.schools.label(school) : "Not known")),
        groupsOf("By term", "Term", found.terms, termOf),
        part("Now", h("div", { class: "text" }, queueOf(found.queue, context.times)), systemsOf(found.systems)),
        h("p", { class: "note" }, `As of ${context.times.near(found.as_of)}, in ${context.times.zone}.`),
      );
    },
  };
}

const part = (title, ...children) => h("section", { class: "part" }, h("h3", {}, title), children);

/** Turn the address of a list in the API into a fragment of the console. */
const fragmentOf = ({ sections }) => (sections ? `#${sections.replace(/^\//, "")}` : null);

function reasonsOf(reasons) {
  if (reasons.length === 0) return h("p", { class: "quiet" }, "Nothing needs attention.");
  return h("ul", { class: "reasons" }, reasons.map(reasonOf));
}

const reasonOf = ({ reason, sections, items, links }) =>
  h(
    "li",
    {},
    h("a", { href: fragmentOf(links) }, reason.title),
    h("p", { class: "note" }, `${count(sections, "section")}, ${count(items, "assignment or score", "assignments and scores")}`),
  );

function groupsOf(title, name, groups, nameOf) {
  const columns = [
    [name, (group) => (fragmentOf(group.links) ? h("a", { href: fragmentOf(group.links) }, nameOf(group)) : nameOf(group))],
    ["Sections", ({ sections }) => number(sections.total)],
    ...STATES.map(({ key, words }) => [words, ({ sections }) => number(sections[key])]),
  ];
  const more = groups.slice(GROUPS_SHOWN);
  return part(
    title,
    tableOf(title, columns, groups.slice(0, GROUPS_SHOWN)),
    more.length > 0 && h("details", {}, h("summary", {}, `${number(more.length)} more`), tableOf(`${title}, more`, columns, more)),
  );
}

const termOf = ({ first, last }) => (first && last ? `${dateOf(first)} to ${dateOf(last)}, ${last.slice(0, 4)}` : "Not known");

/** Say what waits, and until when. */
function queueOf({ running, ready, later, paused, next_at, settled_by }, times) {
  const parts = [
    running > 0 && `${number(running)} running`,
    ready > 0 && `${number(ready)} about to start`,
    later > 0 && `${number(later)} waiting until ${times.near(next_at)}`,
    paused > 0 && `${number(paused)} paused`,
  ].filter(Boolean);
  if (parts.length === 0) return "No sync is running or waiting.";
  const end = settled_by ? ` All of them end by ${times.near(settled_by)}.` : "";
  return `${capital(list(parts))}.${end}`;
}

const SYSTEMS = { schoology: "Schoology" };

function systemsOf(systems) {
  const columns = [
    ["System", ({ system }) => SYSTEMS[system] ?? SIS],
    ["State", (state) => h("span", { class: "status" }, ...standingOf(state))],
    ["Calls", callsOf],
  ];
  return tableOf("Systems", columns, systems);
}

function standingOf({ known, circuit_open, paused_seconds }) {
  if (!known) return [sign("off"), "Not known right now"];
  if (circuit_open) return [sign("problem"), "It failed so often that no sync calls it for a while"];
  if (paused_seconds > 0) return [sign("waiting"), `It asked for no calls for ${count(Math.ceil(paused_seconds), "second")}`];
  return [sign("ok"), "Responds"];
}

function callsOf({ known, calls_used, calls_limit, window_seconds }) {
  if (!known) return "";
  if (calls_limit === null && window_seconds === 0) return "No limit";
  const limit = calls_limit === null ? "" : ` of ${number(calls_limit)}`;
  return `${number(calls_used)}${limit} in the last ${count(window_seconds, "second")}`;
}
