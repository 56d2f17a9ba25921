// Name the states of a compared score, and what a person can decide about one that someone changed in the SIS.

import { SIS } from "./words.js";

/** State of the API -> class and words, in the order of a legend. */
export const STATES = new Map([
  ["drift", { kind: "edited", words: `Changed in ${SIS}` }],
  ["conflict", { kind: "needs", words: "Changed in both" }],
  ["pending", { kind: "waits", words: "Not sent yet" }],
  ["converged", { kind: "held", words: "Changed alike in both" }],
  ["same", { kind: "held", words: "The same in both" }],
  ["unreadable", { kind: "out", words: "Can't be compared" }],
]);

const CHOICES = new Map([
  ["put-back", ["Put Schoology's score back", "The next sync puts Schoology's score back."]],
  ["take", [`Keep ${SIS}'s score for now`, `${SIS} keeps its score until this one changes in Schoology.`]],
  ["stop", ["Keep it and stop sending", `${SIS} keeps its score, and nothing is sent here.`]],
]);

/** Return what can be decided where `choice` was made: pairs of the key of the API and the words of its button. */
export function choicesAfter(choice = null) {
  const offered = [...CHOICES].map(([key, [words]]) => [key, words]);
  return choice === "stop" ? [...offered, ["resume", "Send again"]] : offered;
}

/** Return what comes of a choice, as a sentence; empty where none was made. */
export const outcomeOf = (choice) => CHOICES.get(choice)?.[1] ?? "";
