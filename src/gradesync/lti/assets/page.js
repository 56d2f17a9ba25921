// The teacher's page: takes the launch, then shows the views.

import { Api, SessionOver } from "./api.js";
import { AssignmentsView } from "./assignments.js";
import { focusOn, h, say } from "./dom.js";
import { LogView } from "./log.js";
import { get } from "./storage.js";
import { SyncView } from "./sync.js";
import { tabs } from "./tabs.js";
import { Times } from "./words.js";

const main = document.getElementById("main");

/** What the launch gave us. It is taken out of the document: the token stays in memory. */
function taken() {
  const script = document.getElementById("start");
  const start = JSON.parse(script.textContent);
  script.remove();
  return start;
}

/** The session of a launch that waits for the state that this browser kept in the platform's storage. */
async function confirmed(start) {
  const body = JSON.stringify({ ticket: start.ticket, value: (await get(start)) ?? "" });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(new URL("confirm", location.href), { method: "POST", body, headers, cache: "no-store" });
  const told = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(told.title), told);
  return told;
}

function message(title, text) {
  const heading = h("h2", {}, title);
  main.replaceChildren(h("section", { class: "card" }, heading, h("p", { class: "text" }, text)));
  focusOn(heading);
  say(`${title} ${text}`);
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
    /** Whether an error is the end of the session; what is no error of ours is thrown on. */
    ended(error) {
      if (error instanceof SessionOver) sessionOver();
      else if (error.fix === undefined) throw error;
      return error instanceof SessionOver;
    },
  };
}

function open(session) {
  const context = contextOf(session);
  const log = ["SIS Sync Log", new LogView(context)];
  const assignments = ["Assignments", new AssignmentsView(context)];
  if (session.may_sync) {
    main.replaceChildren(...tabs([["Sync to SIS", new SyncView(context)], assignments, log]));
    return;
  }
  const why = "You are not a course admin of this course: you can look, and only a course admin can sync.";
  main.replaceChildren(h("p", { class: "quiet why" }, why), ...tabs([log, assignments]));
}

try {
  const start = taken();
  open(start.ticket ? await confirmed(start) : start);
} catch (error) {
  message(error.title ?? "This page could not be opened.", error.text ?? "Go back to your course in Schoology and open Sync to SIS again.");
  if (!error.title) throw error;
}
