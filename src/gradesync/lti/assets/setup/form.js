// Build the form of a district's settings, read it, and show each mistake beside its field.

import { h, show } from "../dom.js";
import { PARTS } from "./fields.js";

/** Return `element`, `settings()` as the service takes them, and `refuse(mistakes)`. */
export function formOf(stored) {
  const rows = PARTS.flatMap((part) => part.fields.map((field) => rowOf(part, field, stored)));
  const kind = rows.find(({ field }) => field.name === "kind");
  const isUsed = ({ field }) => !field.kind || field.kind === kind.input.value;
  const arrange = () => rows.forEach((row) => show(row.element, isUsed(row)));
  const rest = h("ul", { class: "mistakes", role: "alert", hidden: true });
  kind.input.addEventListener("change", arrange);
  arrange();
  const parts = PARTS.map((part) => {
    const own = rows.filter((row) => row.part === part).map(({ element }) => element);
    return h("fieldset", { class: "part" }, h("legend", {}, part.title), part.note && h("p", {}, part.note), part.addresses && addresses(), own);
  });
  return {
    element: h("div", {}, parts, rest),
    settings: () => read(rows.filter(isUsed)),
    refuse(mistakes) {
      const wrong = rows.filter(isUsed).filter((row) => row.refuse(mistakes.find(({ setting }) => setting === row.setting)));
      const shown = new Set(wrong.map(({ setting }) => setting));
      const others = mistakes.filter(({ setting }) => !shown.has(setting));
      rest.replaceChildren(...others.map(({ message, hint }) => h("li", {}, `${message}. ${hint}.`)));
      show(rest, others.length > 0);
      wrong[0]?.input.focus();
    },
  };
}

function rowOf(part, field, { settings, secrets, usual }) {
  const setting = part.table ? `${part.table}.${field.name}` : field.name;
  const id = `${setting}${field.kind ? `-${field.kind}` : ""}`.replaceAll(".", "-");
  const stored = part.table ? settings[part.table]?.[field.name] : settings[field.name];
  const kept = field.secret && secrets.includes(setting) ? " It is stored; leave it empty to keep it." : "";
  const mistake = h("p", { class: "mistake", id: `${id}-mistake`, hidden: true });
  const described = { id, "aria-describedby": `${id}-where ${id}-mistake` };
  const input = inputOf(field, { ...described, autocomplete: "off", spellcheck: "false" });
  input.value = stored ?? usual[setting] ?? field.usual ?? field.choices?.[0][0] ?? "";
  const where = h("p", { class: "quiet", id: `${id}-where` }, field.where + kept);
  return {
    part,
    field,
    setting,
    input,
    element: h("div", { class: "field" }, h("label", { for: id }, field.label), input, where, mistake),
    /** Show a mistake, or that there is none; return whether there is one. */
    refuse(found) {
      input.setAttribute("aria-invalid", String(Boolean(found)));
      show(mistake, Boolean(found)).textContent = found ? mistakeOf(found, input.value.trim()) : "";
      return Boolean(found);
    },
  };
}

/** Say what is wrong with a field: the service names settings as the district's file does. */
function mistakeOf({ setting, message, hint }, value) {
  if (!value) return "Fill this in.";
  const own = `${setting.split(".").pop()}: `;
  return `${message.startsWith(own) ? message.slice(own.length) : message}. ${hint}.`;
}

function inputOf({ choices, lines, secret }, attributes) {
  if (choices) return h("select", attributes, choices.map(([value, text]) => h("option", { value }, text)));
  if (lines) return h("textarea", { ...attributes, rows: 3 });
  return h("input", { ...attributes, type: secret ? "password" : "text" });
}

const valueOf = ({ field, input }) => {
  const text = input.value.trim();
  return field.lines ? text.split("\n").map((line) => line.trim()).filter(Boolean) : text;
};

/** Return the settings of fields. An optional table in which only the usual values stand is left out. */
function read(rows) {
  const settings = {};
  for (const row of rows) {
    const table = row.part.table ? (settings[row.part.table] ??= {}) : settings;
    table[row.field.name] = valueOf(row);
  }
  for (const { table, fields } of PARTS.filter(({ optional }) => optional)) {
    if (fields.every(({ name, given }) => given || !settings[table][name])) settings[table] = null;
  }
  return settings;
}

/** Name the addresses of this service that the app in Schoology needs. */
function addresses() {
  const named = { "Login (OIDC) URL": "login", "Launch URL": "launch", "Key set (JWKS) URL": "jwks" };
  const list = Object.entries(named).map(([name, path]) => [
    h("dt", {}, name),
    h("dd", {}, h("code", {}, new URL(`../lti/${path}`, location.href).href)),
  ]);
  return [h("p", {}, "The app needs these addresses in Schoology. Without the app, leave this part as it is."), h("dl", {}, list)];
}
