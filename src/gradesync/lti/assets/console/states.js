// Name what the last sync of a section came to: the key in counts, the filter of lists, the words, and the sign.

export const STATES = [
  { key: "all_sent", filter: "all-sent", words: "Right", sign: "ok" },
  { key: "needs_attention", filter: "needs-attention", words: "Need attention", sign: "attention" },
  { key: "stopped_for_review", filter: "stopped-for-review", words: "Stopped for review", sign: "stopped" },
  { key: "failed", filter: "failed", words: "Failed", sign: "problem" },
  { key: "never_synced", filter: "never-synced", words: "Never synced", sign: "off" },
];

/** Return the state of a filter's value; undefined for none. */
export const stateOf = (filter) => STATES.find((state) => state.filter === filter);
