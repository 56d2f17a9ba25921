// The platform's storage for tools: one message to the frame that keeps things, and its answer.

import { unique } from "./unique.js";

const PATIENCE_MS = 3000;

const opener = () => (window.parent === window ? window.opener : window.parent);

function frameNamed(name) {
  const host = opener();
  try {
    return name === "_parent" ? host : host?.frames[name];
  } catch {
    return undefined;
  }
}

/** Resolves to the answer's value; to undefined where there is none in time, or an error. */
function ask(frame, origin, message) {
  const target = frameNamed(frame);
  if (!target) return Promise.resolve(undefined);
  const message_id = unique();
  return new Promise((resolve) => {
    const settle = (value) => {
      clearTimeout(timer);
      removeEventListener("message", hear);
      resolve(value);
    };
    const hear = ({ data, origin: from }) => {
      if (from !== origin || data?.message_id !== message_id) return;
      if (data.subject === `${message.subject}.response`) settle(data.error ? undefined : data.value);
    };
    const timer = setTimeout(settle, PATIENCE_MS);
    addEventListener("message", hear);
    target.postMessage({ ...message, message_id }, origin);
  });
}

const keyOf = (state) => `lti_state_${state}`;

export const put = ({ frame, origin, state }) =>
  ask(frame, origin, { subject: "lti.put_data", key: keyOf(state), value: state });

export const get = ({ frame, origin, state }) =>
  ask(frame, origin, { subject: "lti.get_data", key: keyOf(state) });
