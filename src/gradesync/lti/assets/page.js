// Start the page: take the launch, then show the teacher's views, or the console.

import { Api } from "./api.js";
import { AssignmentsView } from "./assignments.js";
import { CompareView } from "./comparing.js";
import { announce, button, focusOn, h } from "./dom.js";
import { SessionOver } from "./http.js";
import { LogView } from "./log.js";
import { get } from "./storage.js";
import { SyncView } from "./sync.js";
import { tabs } from "./tabs.js";
import { Times } from "./words.js";

const main = document.getElementById("main");

/** Read the data of the launch, and remove it from the document: the token stays in memory. */
function readStart() {
  const script = document.getElementById("start");
  const start = JSON.parse(script.textContent);
  script.remove();
  return start;
}

/** Confirm a pending launch with the state from the platform's storage; return its session. */
async function confirmLaunch(start) {
  const body = JSON.stringify({ ticket: start.ticket, value: (await get(start)) ?? "" });
  const headers = { "content-type": "application/json" };
  const response = await fetch(new URL("confirm", location.href), { method: "POST", body, headers, cache: "no-store" });
  const result = await response.json();
  if (!response.ok) throw Object.assign(new Error(result.title), result);
  return result;
}

function message(title, text) {
  const heading = h("h2", {}, title);
  main.replaceChildren(h("section", { class: "card" }, heading, h("p", { class: "text" }, text)));
  focusOn(heading);
  announce(`${title} ${text}`);
}

function sessionOver() {
  message(
    "This page has been open for a while, so it has ended.",
    "Go back to your course in Schoology and open Sync to SIS again. A sync that was running goes on by itself.",
  );
}

function contextOf(session) {
  return {
    session,
    api: new Api(session),
    times: new Times(session.timezone),
    /** Return whether an error is the end of the session; rethrow errors that are not ours. */
    ended(error) {
      if (error instanceof SessionOver) sessionOver();
      else if (error.fix === undefined) throw error;
      return error instanceof SessionOver;
    },
  };
}

/** Open the console in the place of the page. Its modules are loaded only then. */
async function openConsole({ console: start, section, title }) {
  const { openShell } = await import("./console/shell.js");
  await openShell(start, section && { section, title });
}

function offerConsole(session) {
  const open = button("Open the district's console", () => openConsole(session), { class: "link" });
  document.querySelector(".top").append(open);
}

function open(session) {
  if (session.console) offerConsole(session);
  const context = contextOf(session);
  const log = ["SIS Sync Log", new LogView(context)];
  const sync = new SyncView(context);
  context.sync = (options) => {
    document.getElementById("tab-0").click();
    sync.start(options);
  };
  const assignments = ["Assignments", new AssignmentsView(context)];
  if (session.may_sync) {
    const compare = ["Compare", new CompareView(context)];
    context.choose = () => document.getElementById("tab-3").click();
    main.replaceChildren(...tabs([["Sync to SIS", sync], assignments, log, compare]));
    return;
  }
  const why = "You aren't a course admin of this course. You can look, but only a course admin can sync.";
  main.replaceChildren(h("p", { class: "quiet why" }, why), ...tabs([log, assignments]));
}

try {
  const start = readStart();
  const session = start.ticket ? await confirmLaunch(start) : start;
  if (session.token) open(session);
  else await openConsole(session);
} catch (error) {
  message(error.title ?? "This page couldn't be opened.", error.text ?? "Go back to your course in Schoology and open Sync to SIS again.");
  if (!error.title) throw error;
}
