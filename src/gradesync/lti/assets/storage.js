// Use the platform's storage for tools: one message to its frame, and the response.

import { unique } from "./unique.js";

const TIMEOUT_MS = 3000;

const opener = () => (window.parent === window ? window.opener : window.parent);

function frameNamed(name) {
  const host = opener();
  try {
    return name === "_parent" ? host : host?.frames[name];
  } catch {
    return undefined;
  }
}

/** Send a message. Resolves to the value of the response; to undefined for none in time, or an error. */
function request(frame, origin, message) {
  const target = frameNamed(frame);
  if (!target) return Promise.resolve(undefined);
  const message_id = unique();
  return new Promise((resolve) => {
    const settle = (value) => {
      clearTimeout(timer);
      removeEventListener("message", onMessage);
      resolve(value);
    };
    const onMessage = ({ data, origin: from }) => {
      if (from !== origin || data?.message_id !== message_id) return;
      if (data.subject === `${message.subject}.response`) settle(data.error ? undefined : data.value);
    };
    const timer = setTimeout(settle, TIMEOUT_MS);
    addEventListener("message", onMessage);
    target.postMessage({ ...message, message_id }, origin);
  });
}

const keyOf = (state) => `lti_state_${state}`;

export const put = ({ frame, origin, state }) =>
  request(frame, origin, { subject: "lti.put_data", key: keyOf(state), value: state });

export const get = ({ frame, origin, state }) =>
  request(frame, origin, { subject: "lti.get_data", key: keyOf(state) });
