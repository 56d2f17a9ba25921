// Count the sections and lines of a statement's file while it comes: its lines are stored as they are, in order.

const LINE = /^"(\d+)","(\d+)","(?:opening|written|cleared|removed|found|failed|owed|drifted|unknown|closing)",/gm;

export class StatementLines {
  #decoder = new TextDecoder();
  #rest = "";
  #section = null;

  /** The lines that have come, and the sections that they are of. */
  lines = 0;
  sections = 0;

  /** Count what the next bytes of the file complete. Only the next number begins a line: other parts have lines, too. */
  add(bytes) {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    const end = text.lastIndexOf("\n") + 1;
    for (const [, number, section] of text.slice(0, end).matchAll(LINE)) {
      if (Number(number) !== this.lines + 1) continue;
      this.lines += 1;
      if (section !== this.#section) this.sections += 1;
      this.#section = section;
    }
    this.#rest = text.slice(end);
  }
}
