// Build tabs with keyboard support: arrows, Home and End move; only the chosen tab is in the tab order.

import { h } from "./dom.js";

/** Return the elements of tabs. `views`: `[title, view]` pairs; a view has an `element`, and an `open` that is called whenever it is shown. */
export function tabs(views) {
  const list = h("div", { role: "tablist", "aria-label": "Sync to SIS" });
  const panels = views.map(([, view], n) =>
    h("div", { role: "tabpanel", id: `panel-${n}`, "aria-labelledby": `tab-${n}`, hidden: true }, view.element),
  );
  const buttons = views.map(([title], n) =>
    h("button", { type: "button", role: "tab", id: `tab-${n}`, "aria-controls": `panel-${n}`, onclick: () => choose(n) }, title),
  );

  function choose(n) {
    buttons.forEach((each, i) => {
      each.setAttribute("aria-selected", String(i === n));
      each.tabIndex = i === n ? 0 : -1;
      if (i === n) each.scrollIntoView({ block: "nearest", inline: "nearest" });
      panels[i].hidden = i !== n;
    });
    views[n][1].open();
  }

  list.addEventListener("keydown", (event) => {
    const now = buttons.indexOf(document.activeElement);
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = buttons.at(to % buttons.length);
    next.focus();
    next.click();
  });
  list.append(...buttons);
  choose(0);
  return [list, ...panels];
}
