// Build elements. Text is inserted as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  ok: "M4.5 10.5l3.5 3.5 7.5-8",
  problem: "M10 5.5v5.5M10 14.2v.3",
  attention: "M10 5.5v5.5M10 14.2v.3",
  waiting: "M10 6v4.2l2.8 1.8",
  stopped: "M7.8 6.5v7M12.2 6.5v7",
  running: "M10 6v4.2l2.8 1.8",
  off: "M6 10h8",
};

const present = (child) => child !== null && child !== undefined && child !== false;

/** Create an element; names that begin with `on` add listeners. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (!present(value)) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter(present));
  return element;
}

/** Create an element of a picture. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.flat(Infinity));
  return element;
}

/** Create a round sign, to be shown beside words of the same meaning. */
export function sign(kind) {
  return svg(
    "svg",
    { viewBox: "0 0 20 20", class: `sign ${kind}`, "aria-hidden": "true" },
    svg("circle", { cx: 10, cy: 10, r: 9 }),
    svg("path", { d: ICONS[kind] }),
  );
}

/** Create a button. */
export function button(text, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, text);
}

/** Show or hide an element, from screen readers too. */
export function show(element, shown) {
  element.hidden = !shown;
  return element;
}

/** Announce a text to screen readers. */
export function announce(text) {
  document.getElementById("announcement").textContent = text;
}

/** Move focus to an element that is not a control. */
export function focusOn(element) {
  element.tabIndex = -1;
  element.focus();
}
