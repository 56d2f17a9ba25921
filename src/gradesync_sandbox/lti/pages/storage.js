// What tools put here, kept apart by their origin (LTI client-side postMessage storage).
const kept = new Map();
const subjects = ["lti.capabilities", "lti.get_data", "lti.put_data"];

function answerTo(origin, message) {
  const slot = `${origin} ${message.key}`;
  switch (message.subject) {
    case "lti.capabilities":
      return { supported_messages: subjects.map((subject) => ({ subject })) };
    case "lti.put_data":
      kept.set(slot, message.value);
      return { key: message.key, value: message.value };
    case "lti.get_data":
      return { key: message.key, value: kept.get(slot) };
  }
}

window.addEventListener("message", (event) => {
  const message = event.data;
  if (!message || !subjects.includes(message.subject) || !message.message_id) return;
  const answer = {
    subject: `${message.subject}.response`,
    message_id: message.message_id,
    ...answerTo(event.origin, message),
  };
  event.source.postMessage(answer, event.origin);
});
