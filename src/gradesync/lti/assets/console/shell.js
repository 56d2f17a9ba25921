// Show the console: its navigation, and the view that the address names. Tokens stay in the memory of this module.

import { Api } from "../api.js";
import { announce, focusOn, h, show } from "../dom.js";
import { Http, SessionOver } from "../http.js";
import { isolated, Times } from "../words.js";
import { linkTo, readFragment } from "./fragments.js";
import { worded } from "./refusals.js";
import { Schools } from "./schools.js";
import { VIEWS } from "./views.js";

const ROLES = { viewer: "You can look, and change nothing.", operator: "You can look and act." };

/** Open the console of a session. `course` is the section that it was opened from, if any. */
export async function openShell(start, course) {
  await loadStyle(new URL("./console.css", import.meta.url));
  new Shell(start, course).open();
}

function loadStyle(url) {
  return new Promise((resolve, reject) => {
    document.head.append(h("link", { rel: "stylesheet", href: url.href, onload: resolve, onerror: reject }));
  });
}

class Shell {
  #context;
  #opened = new Map();
  #shown = null;
  #links = VIEWS.map(({ key, title }) => [key, h("a", { href: linkTo(key) }, title)]);
  #title = h("h2");
  #notice = h("p", { class: "notice", role: "alert", hidden: true });
  #body = h("div", { class: "view" });

  constructor(start, course) {
    this.#context = this.#contextOf(start);
    this.district = start.district;
    const links = [...this.#links.map(([, link]) => link), course && this.#linkOf(course)].filter(Boolean);
    this.element = [
      h("nav", { "aria-label": "Console" }, h("ul", {}, links.map((link) => h("li", {}, link)))),
      h("div", { class: "content" }, this.#title, this.#notice, this.#body),
    ];
    this.head = [h("h1", {}, isolated(start.district)), h("p", { class: "note" }, `Grade sync · ${ROLES[start.role]}`)];
  }

  #linkOf({ section, title }) {
    return h("a", { href: linkTo("sections", [section]), class: "course" }, isolated(title ?? "This course"));
  }

  open() {
    document.body.classList.add("console");
    document.querySelector(".top").replaceChildren(...this.head);
    document.getElementById("main").replaceChildren(...this.element);
    // The address of a sign-in's end holds a code that is used up: opened again, it would show an error.
    if (this.#context.session.sign_in) history.replaceState(null, "", this.#context.session.sign_in);
    addEventListener("hashchange", () => this.#show({ moved: true }));
    this.#show({ moved: false });
  }

  /** Return what every view gets: see docs/CONTRIBUTING.md. */
  #contextOf(start) {
    const http = new Http(start.token, worded);
    return {
      session: start,
      http,
      times: new Times(start.timezone),
      schools: new Schools(http),
      section: (section) => new Api({ token: start.token, section }),
      may: (scope) => start.scopes.includes(scope),
      failed: (error) => this.#failed(error),
      ended: (error) => this.#ended(error),
    };
  }

  async #show({ moved }) {
    const target = readFragment(location.hash);
    const view = VIEWS.find(({ key }) => key === target.key) ?? VIEWS[0];
    for (const [key, link] of this.#links) {
      if (key === view.key) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    show(this.#notice, false);
    this.#title.textContent = view.title;
    document.title = `${view.title} · ${isolated(this.district)}`;
    try {
      await this.#showView(view, target);
    } catch (error) {
      this.#failed(error);
    }
    if (moved) focusOn(this.#title);
  }

  async #showView(view, target) {
    if (!this.#opened.has(view.key)) this.#opened.set(view.key, (await view.load()).create(this.#context));
    const opened = this.#opened.get(view.key);
    if (this.#shown !== opened) this.#shown?.close?.();
    this.#shown = opened;
    this.#body.replaceChildren(opened.element);
    this.#context.schools.retry();
    await opened.open(target);
  }

  #failed(error) {
    if (this.#ended(error)) return;
    show(this.#notice, true).textContent = `${error.title} ${error.fix}`;
  }

  /** Return whether an error is the end of the session; rethrow errors that are not ours. */
  #ended(error) {
    if (!(error instanceof SessionOver)) {
      if (error.fix === undefined) throw error;
      return false;
    }
    const text = "What was started goes on by itself. ";
    const again = this.#context.session.sign_in;
    const way = again ? h("a", { href: again }, "Sign in again") : "Open it again from Schoology.";
    const heading = h("h2", {}, "The console has been open for a while, so it has ended.");
    document.getElementById("main").replaceChildren(h("section", { class: "card" }, heading, h("p", { class: "text" }, text, way)));
    focusOn(heading);
    announce(heading.textContent);
    return true;
  }
}
