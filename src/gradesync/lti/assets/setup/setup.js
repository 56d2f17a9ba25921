// Set up a district by invitation: exchange the link, fill in, save, check, and say what comes next.

import { announce, button, focusOn, h, show, sign } from "../dom.js";
import { formOf } from "./form.js";
import { FirstSync } from "./first.js";

const UNREACHABLE = { title: "The service can't be reached.", text: "Check your connection, then try again." };
const main = document.getElementById("main");
let session = "";

/** Send a request. Returns `ok`, the `status`, and the `body`, which explains what failed. */
async function ask(path, method, body) {
  const headers = { "content-type": "application/json", ...(session && { authorization: `Bearer ${session}` }) };
  const request = { method, headers, credentials: "omit", cache: "no-store", body: body && JSON.stringify(body) };
  try {
    const response = await fetch(new URL(`setup/${path}`, location.href), request);
    return { ok: response.ok, status: response.status, body: await response.json() };
  } catch {
    return { ok: false, status: 0, body: UNREACHABLE };
  }
}

async function open() {
  const link = location.hash.slice(1);
  history.replaceState(null, "", location.pathname); // neither the history nor a bookmark keeps it
  const opened = await ask("session", "POST", { link });
  if (!opened.ok) return end(opened.body);
  session = opened.body.session;
  const stored = await ask("district", "GET");
  return stored.ok ? start(opened.body, stored.body) : end(stored.body);
}

function end({ title, text }) {
  main.replaceChildren(h("h2", {}, title), h("p", {}, text));
}

function start({ district, name }, stored) {
  const form = formOf(stored);
  const notice = h("p", { class: "notice", role: "alert", hidden: true });
  const checks = checksOf();
  show(checks.element, stored.secrets.length > 0);
  const save = async (event) => {
    event.preventDefault();
    const { ok, body } = await ask("district", "PUT", form.settings());
    form.refuse(body.mistakes ?? []);
    show(notice, !ok).textContent = ok ? "" : [body.title, body.text].filter(Boolean).join(" ");
    if (!ok) return;
    announce("Saved.");
    show(checks.element, true);
    await checks.run();
  };
  const text = `${name}, you set up the district ${district}. Secrets are stored encrypted, and nothing shows them again. Keep this page open: the link is good once, and this session ends after two hours.`;
  const submit = button("Save and check", null, { type: "submit", class: "primary" });
  main.replaceChildren(
    h("p", {}, text),
    h("form", { class: "setup", onsubmit: save }, form.element, notice, h("div", { class: "actions" }, submit)),
    checks.element,
  );
}

/** Return the part that tries both systems: `element`, and `run()`. */
function checksOf() {
  const heading = h("h2", {}, "Check");
  const section = h("input", { id: "section", inputmode: "numeric", autocomplete: "off" });
  const results = h("ul", { class: "findings" });
  const first = new FirstSync(ask);
  const steps = h("ol", {}, NEXT.map((each) => h("li", {}, each)));
  const next = h("div", { hidden: true }, h("h2", {}, "What comes next"), steps, first.element);
  const run = async () => {
    results.replaceChildren(h("li", {}, "Trying both systems…"));
    const { ok, body } = await ask("check", "POST", { section: section.value.trim() || null });
    const missing = (body.mistakes ?? [{ message: body.title, hint: body.text }]).map(({ message, hint }) => ({ ok: false, check: message, detail: "", fix: hint }));
    results.replaceChildren(...(ok ? body.findings : missing).map(findingOf));
    show(next, ok && body.ok);
    if (ok && body.ok) first.watch();
    announce(ok && body.ok ? "Everything works." : "Something is missing.");
    focusOn(heading);
  };
  const label = h("label", { for: section.id }, "A course to try the ids with");
  const where = h("p", { class: "quiet" }, "The number after /course/ in the address of a course. It may stay empty.");
  const field = h("div", { class: "field" }, label, section, where);
  const element = h("section", { class: "part setup" }, heading, field, h("div", { class: "actions" }, button("Check again", run)), results, next);
  return { element, run };
}

const NEXT = [
  "Install the app to one course in Schoology.",
  "As a teacher of that course, open Sync to SIS.",
  "Press Preview, then Sync to SIS.",
  "Look at the assignments in the SIS's gradebook.",
];

function findingOf({ ok, check, detail, fix }) {
  const words = h("div", {}, h("strong", {}, ok ? `Works: ${check}` : `Missing: ${check}`), " ", detail, fix && h("p", {}, fix));
  return h("li", { class: "finding" }, sign(ok ? "ok" : "problem"), words);
}

open();
