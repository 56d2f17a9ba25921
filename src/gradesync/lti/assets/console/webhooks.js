// List the webhooks; add one, try it, see what came of its messages, remove it.

import { button, h } from "../dom.js";
import { attemptsOf } from "./attempts.js";
import { secretOf } from "./secret.js";
import { tableOf } from "./table.js";

const DELIVERIES_SHOWN = 50;
const STATES = { pending: "Waiting", delivered: "Delivered", failed: "Given up" };
const ERRORS = {
  refused: "the address refused it",
  "no-response": "the address didn't respond",
  "timed-out": "the address took too long",
  "address-not-allowed": "the address isn't public",
  "secret-unreadable": "its secret can't be read: change the secret",
};

export class WebhooksPart {
  #context;
  #attempts;
  #secret = secretOf();
  #list = h("div");
  #log = h("div");
  #url = h("input", { id: "webhook-url", type: "url", autocomplete: "off", required: true, maxlength: 500 });

  constructor(context) {
    this.#context = context;
    this.#attempts = attemptsOf(context);
    const form = context.may("district:write") && this.#form();
    const parts = [this.#secret.element, this.#list, form, this.#attempts.notice, this.#log];
    this.element = h("section", { class: "part" }, h("h3", {}, "Webhooks"), parts);
  }

  async open() {
    this.#log.replaceChildren();
    const { items } = await this.#context.http.json("webhooks");
    const columns = [
      ["Address", ({ url }) => url],
      ["Added", ({ created_at }) => this.#context.times.whole(created_at)],
      ["", (webhook) => this.#actionsOf(webhook)],
    ];
    const none = h("p", { class: "quiet" }, "The district has no webhook.");
    this.#list.replaceChildren(items.length ? tableOf("Webhooks", columns, items) : none);
  }

  #actionsOf(webhook) {
    const work = (text, act) => button(text, () => this.#attempts.run(() => act(webhook)), { class: "link", "aria-label": `${text}: ${webhook.url}` });
    const changes = [
      work("Send a test", (hook) => this.#test(hook)),
      work("New secret", (hook) => this.#rotate(hook)),
      work("Remove", (hook) => this.#remove(hook)),
    ];
    const log = work("Messages", (hook) => this.#showLog(hook));
    return h("div", { class: "actions" }, log, this.#context.may("district:write") && changes);
  }

  #form() {
    const field = h("div", {}, h("label", { for: this.#url.id }, "Address of a new webhook (https)"), this.#url);
    const submit = h("div", { class: "actions" }, button("Add a webhook", null, { type: "submit" }));
    return h("form", { class: "form", onsubmit: (event) => this.#add(event) }, field, submit);
  }

  #add(event) {
    event.preventDefault();
    return this.#attempts.run(async () => {
      const { secret } = await this.#send("webhooks", { url: this.#url.value.trim() });
      this.#secret.reveal("The webhook is added", [["Secret", secret]]);
      event.target.reset();
      await this.open();
    });
  }

  async #test(webhook) {
    await this.#send(`webhooks/${webhook.id}/test`);
    await this.#showLog(webhook);
  }

  async #rotate({ id }) {
    const { secret } = await this.#send(`webhooks/${id}/rotate`);
    this.#secret.reveal("For 24 hours messages are signed with the old secret too", [["Secret", secret]]);
  }

  async #remove({ id }) {
    await this.#context.http.json(`webhooks/${id}`, { method: "DELETE" });
    await this.open();
  }

  #send(path, body) {
    return this.#context.http.json(path, { method: "POST", body });
  }

  async #showLog(webhook) {
    const { items } = await this.#context.http.json(`webhooks/${webhook.id}/deliveries?limit=${DELIVERIES_SHOWN}`);
    const { times } = this.#context;
    const columns = [
      ["Queued", ({ created_at }) => times.whole(created_at)],
      ["Message", ({ event }) => event],
      ["State", stateOf],
      ["Attempts", ({ attempts }) => String(attempts)],
      ["Next attempt", ({ next_attempt_at: next }) => (next ? times.whole(next) : "None")],
    ];
    const title = h("h4", {}, `Messages to ${webhook.url}`);
    const none = h("p", { class: "quiet" }, "No message in the last 30 days.");
    const again = button("Look again", () => this.#attempts.run(() => this.#showLog(webhook)), { class: "link" });
    this.#log.replaceChildren(title, items.length ? tableOf("Messages", columns, items) : none, again);
  }
}

function stateOf({ status, error, response_status }) {
  const why = error && ` (${ERRORS[error] ?? error}${response_status ? `, ${response_status}` : ""})`;
  return `${STATES[status]}${why ?? ""}`;
}
