// List the clients of the API; make one, give one a new secret, end one.

import { button, h, show } from "../dom.js";
import { attemptsOf } from "./attempts.js";
import { secretOf } from "./secret.js";
import { tableOf } from "./table.js";

const SCOPES = {
  "syncs:read": "Read syncs and their outcomes",
  "syncs:write": "Start syncs, as far as the policy allows it to clients",
  "sections:read": "Read sections, assignments and pre-flight reports",
  "sections:write": "Change links and categories",
  "connections:check": "Check the connections",
  "district:read": "Read the policy, pauses, clients and webhooks",
  "district:write": "Change them",
  "audit:read": "Read who did what",
  "students:read": "Read what was sent for a student",
};

export class ClientsPart {
  #context;
  #attempts;
  #secret = secretOf();
  #list = h("div");
  #name = h("input", { id: "client-name", autocomplete: "off", required: true, maxlength: 100 });
  #boxes;

  constructor(context) {
    this.#context = context;
    this.#attempts = attemptsOf(context);
    // Nobody gives more than they have: the API refuses the others.
    const own = Object.keys(SCOPES).filter((scope) => context.may(scope));
    this.#boxes = own.map((scope) => h("input", { type: "checkbox", id: `scope-${scope}`, value: scope }));
    const form = context.may("district:write") && this.#form();
    const parts = [this.#secret.element, this.#list, form, this.#attempts.notice];
    this.element = h("section", { class: "part" }, h("h3", {}, "Clients of the API"), parts);
  }

  async open() {
    const pages = await this.#context.http.pages("clients");
    const items = pages.flatMap((page) => page.items).filter(({ revoked_at }) => revoked_at === null);
    const none = h("p", { class: "quiet" }, "The district has no client.");
    this.#list.replaceChildren(items.length ? tableOf("Clients", this.#columns(), items) : none);
  }

  #columns() {
    const { times } = this.#context;
    const columns = [
      ["Client", ({ name, id }) => [h("div", {}, name || "Without a name"), h("code", {}, id)]],
      ["May", ({ scopes }) => scopes.join(", ")],
      ["Made", ({ created_at, created_by }) => `${times.whole(created_at)} by ${created_by}`],
      ["Last used", ({ last_used_at: at }) => (at ? times.whole(at) : "Never")],
    ];
    return this.#context.may("district:write") ? [...columns, ["", (client) => this.#actionsOf(client)]] : columns;
  }

  #actionsOf(client) {
    const named = client.name || client.id;
    const actions = h("div", { class: "actions" });
    const ask = () => {
      const sure = button("Revoke: its tokens end at once", () => this.#revoke(client), { class: "grave" });
      actions.replaceChildren(sure, button("Keep", () => actions.replaceChildren(...usual), { class: "link" }));
      sure.focus();
    };
    const usual = [
      button("New secret", () => this.#rotate(client), { class: "link", "aria-label": `New secret of ${named}` }),
      button("Revoke", ask, { class: "link", "aria-label": `Revoke ${named}` }),
    ];
    actions.append(...usual);
    return actions;
  }

  #form() {
    const boxes = this.#boxes.map((box) => h("label", { class: "choice" }, box, SCOPES[box.value]));
    const submit = button("Make a client", null, { type: "submit" });
    return h(
      "form",
      { class: "form", onsubmit: (event) => this.#make(event) },
      h("div", {}, h("label", { for: this.#name.id }, "Name of a new client"), this.#name),
      h("fieldset", {}, h("legend", {}, "What it may do"), boxes),
      h("div", { class: "actions" }, submit),
    );
  }

  #make(event) {
    event.preventDefault();
    const scopes = this.#boxes.filter(({ checked }) => checked).map(({ value }) => value);
    const body = { name: this.#name.value.trim(), scopes };
    return this.#attempts.run(async () => {
      this.#reveal("The client is made", await this.#context.http.json("clients", { method: "POST", body }));
      event.target.reset();
      await this.open();
    });
  }

  #rotate({ id }) {
    return this.#attempts.run(async () => {
      const path = `clients/${encodeURIComponent(id)}/rotate`;
      const client = await this.#context.http.json(path, { method: "POST" });
      this.#reveal("The old secret is accepted for 24 more hours", client);
    });
  }

  #reveal(name, { id, secret }) {
    this.#secret.reveal(name, [["Client id", id], ["Secret", secret]]);
  }

  #revoke({ id }) {
    return this.#attempts.run(async () => {
      await this.#context.http.json(`clients/${encodeURIComponent(id)}`, { method: "DELETE" });
      show(this.#secret.element, false);
      await this.open();
    });
  }
}
