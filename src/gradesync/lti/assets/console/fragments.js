// Write and read the fragments of the console's addresses: "#sections/7900000001?reason=mass-change".

/** Return the fragment of a view: its key, what follows it, and a query. */
export function linkTo(key, rest = [], query = {}) {
  const path = [key, ...rest].map(encodeURIComponent).join("/");
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `#${path}?${new URLSearchParams(given)}` : `#${path}`;
}

/** Read a fragment: `key`, `rest` (texts), `query` (URLSearchParams). */
export function readFragment(fragment) {
  const [path, query = ""] = fragment.replace(/^#/, "").split("?");
  const [key, ...rest] = path.split("/").map(decode);
  return { key, rest, query: new URLSearchParams(query) };
}

/** Decode a part of an address; one that cannot be decoded stays as somebody typed it. */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
