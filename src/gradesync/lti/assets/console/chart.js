// Draw how the sections stood at the end of each day: a bar a day, with the same numbers in a table below.

import { h, sign, svg } from "../dom.js";
import { count, dateOf, number } from "../words.js";
import { STATES } from "./states.js";
import { tableOf } from "./table.js";

const WIDTH = 600;
const HEIGHT = 120;
const GAP = 0.2;
// A section counts from its first sync on: none of a day was never synced.
const DRAWN = STATES.filter(({ key }) => key !== "never_synced");

const totalOf = ({ sections }) => DRAWN.reduce((sum, { key }) => sum + sections[key], 0);

/** Return the picture of `days`, the oldest first, and its table. */
export function chartOf(days) {
  const most = Math.max(1, ...days.map(totalOf));
  const step = WIDTH / days.length;
  const bars = days.map((day, n) => barOf(day, n * step, step * (1 - GAP), HEIGHT / most));
  const last = days.at(-1);
  const words = DRAWN.map(({ key, words }) => `${words}: ${number(last.sections[key])}`).join(", ");
  const label = `The last ${count(days.length, "day")}. ${dateOf(last.day)}: ${words}. The table below has every day.`;
  return h(
    "figure",
    { class: "chart" },
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, preserveAspectRatio: "none" }, bars),
    h("p", { class: "ends note", "aria-hidden": "true" }, h("span", {}, dateOf(days[0].day)), h("span", {}, dateOf(last.day))),
    legend(),
    h("details", {}, h("summary", {}, "As a table"), tableOf("Sections by day", columns(), days.toReversed())),
  );
}

function barOf(day, x, width, scale) {
  let y = HEIGHT;
  return DRAWN.map(({ key, sign: kind }) => {
    const height = day.sections[key] * scale;
    y -= height;
    return height > 0 ? svg("rect", { class: `stack ${kind}`, x, y, width, height }) : [];
  });
}

const legend = () =>
  h("ul", { class: "legend" }, DRAWN.map(({ words, sign: kind }) => h("li", {}, h("span", { class: `stack ${kind}` }), words)));

const columns = () => [
  ["Day", ({ day }) => dateOf(day)],
  ...DRAWN.map(({ key, words }) => [words, ({ sections }) => number(sections[key])]),
];

/** Return the numbers of all sections, each a way to them. */
export const tilesOf = (sections, linkOf) =>
  h(
    "ul",
    { class: "tiles" },
    STATES.map(({ key, filter, words, sign: kind }) =>
      h("li", {}, h("a", { href: linkOf({ state: filter }) }, sign(kind), h("strong", {}, number(sections[key])), h("span", {}, words))),
    ),
  );
