/** Return 128 random bits, also where the page is served without TLS, as in development. */
export const unique = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
