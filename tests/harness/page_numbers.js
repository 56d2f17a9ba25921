async (body, { titles, names, held }) => {
  const faults = [];
  const all = (selector, root = body) => [...root.querySelectorAll(selector)];
  const shown = (selector, root = body) => all(selector, root).filter((each) => each.checkVisibility());
  const numberOf = (text) => Number((text ?? "0").replaceAll(",", ""));
  const find = (text, pattern) => numberOf(text.match(pattern)?.[1]);
  const compare = (what, headline, list) => headline !== list && faults.push(`${what}: ${headline} in the headline, ${list} in the list`);
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const sum = (numbers) => numbers.reduce((total, n) => total + n, 0);

  /** Wait until a condition holds; what doesn't hold then is a fault of the caller's comparison. */
  async function until(holds) {
    for (let n = 0; n < 200 && !holds(); n += 1) await pause(50);
  }

  /** Read lists to their ends. */
  async function readAll(root) {
    await until(() => {
      for (const more of shown(".more button", root)) if (more.getAttribute("aria-disabled") !== "true") more.click();
      return !shown(".quiet[role=status]", root).some((each) => each.textContent === "Reading…") && !shown(".more button", root).length;
    });
  }

  /** Open everything in a part until nothing in it is closed; return what was closed. */
  async function unfold(root) {
    const opened = [];
    const closedIn = () => [root, ...all("details", root)].filter((each) => each.matches("details:not([open])"));
    for (let closed; (closed = closedIn()).length; ) {
      for (const each of closed) each.open = true;
      opened.push(...closed);
      await pause(0);
      await readAll(root);
    }
    await readAll(root);
    return opened;
  }

  /** Take known words out of a text, longest first; return those found. */
  function take(text, words, tail) {
    const found = [];
    for (const word of [...new Set(words)].sort((a, b) => b.length - a.length)) {
      const pattern = new RegExp(word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") + tail, "g");
      text = text.replace(pattern, (match) => (found.push(match), ""));
    }
    return found;
  }
  const takeNames = (text) => take(text, names, "( \\([^)]*\\))?");
  const takeTitles = (text) => take(text, titles, "");

  /** List what needs attention: assignments, and scores as pairs. */
  function listed(part) {
    const found = { assignments: new Set(), scores: new Set(), others: 0 };
    for (const line of all(".reason > ul > li", part)) {
      const own = line.querySelector(".title").textContent.trim();
      const rows = all("details > ul > li", line).map((each) => each.textContent);
      const texts = rows.length ? rows : [line.querySelector(".names")?.textContent ?? ""];
      if (own.startsWith("Assignments that aren't")) found.others += find(texts[0], /([\d,]+) assignment/);
      else if (titles.includes(own)) {
        const people = texts.flatMap(takeNames);
        if (!people.length) found.assignments.add(own);
        for (const name of people) found.scores.add(`${own} | ${name}`);
      } else for (const title of texts.flatMap(takeTitles)) found.scores.add(`${title} | ${own}`);
    }
    return found;
  }

  /** Compare the sentence of a result with the parts below it. */
  async function checkResult(card, outcomes) {
    const sentence = all(".headline h2, .headline h3, .text", card).map((each) => each.textContent).join(" ");
    const part = (pattern) => all(".part", outcomes).find((each) => pattern.test(each.querySelector("h3")?.textContent ?? ""));
    const attention = part(/^(Needs attention|What would need attention)$/);
    const changed = part(/^(What was sent|What would be sent|What would have changed|What would change)$/);
    const visible = (each) => each?.checkVisibility();
    if (visible(attention)) {
      const opened = await unfold(attention);
      const [, assignments, scores] = sentence.match(/(?:([\d,]+) assignments?)?(?: and )?(?:([\d,]+) scores?)? (?:needs?|would need) attention/) ?? [];
      const found = listed(attention);
      compare("assignments that need attention", numberOf(assignments), found.assignments.size + found.others);
      compare("scores that need attention", numberOf(scores), found.scores.size);
      for (const each of opened) each.open = false;
    } else if (/[1-9][\d,]* (assignments?|scores?)[^.]* needs? attention/.test(sentence)) faults.push(`no list of ${sentence}`);
    if (visible(changed)) await checkChanges(sentence, changed);
    const guarded = sentence.match(/Of ([\d,]+) scores? in PowerSchool, ([\d,]+) would be cleared/);
    if (guarded) compare("scores in PowerSchool", numberOf(guarded[1]), held);
  }

  async function checkChanges(sentence, changed) {
    const opened = await unfold(changed);
    const notes = all(".change", changed).map((each) => each.querySelector(".note").textContent.split(", "));
    const own = (word) => notes.filter((each) => each[0] === word).length;
    const scores = (pattern) => sum(notes.flat().map((note) => find(note, pattern)));
    const cleared = scores(/^([\d,]+) scores? (?:would be )?cleared$/);
    const others = scores(/^([\d,]+) scores?$/);
    if (!/^(Stopped|The gradebook has changed|Of )/.test(sentence)) {
      compare("created", find(sentence, /create ([\d,]+) assignment/) || find(sentence, /([\d,]+) assignments? created(?! again)/), own("new"));
      compare("scores sent", find(sentence, /send ([\d,]+) score/) || find(sentence, /([\d,]+) scores? sent/), others);
      compare("scores cleared", find(sentence, /clear ([\d,]+) score/) || find(sentence, /([\d,]+) scores? cleared/), cleared);
    } else if (/would be cleared/.test(sentence)) {
      compare("scores to be cleared", find(sentence, /([\d,]+) would be cleared/), cleared);
      const approve = shown(".approval button.grave")[0]?.textContent ?? "";
      if (approve.startsWith("Clear")) compare("the button", find(approve, /Clear ([\d,]+)/), cleared);
    }
    for (const each of all("details.change", changed)) {
      const note = each.querySelector(".note").textContent.split(", ");
      const rows = all("table.scores tbody tr", each).length;
      compare(each.querySelector(".title").textContent, sum(note.map((text) => find(text, /^([\d,]+) scores?/))), rows);
    }
    for (const each of opened) each.open = false;
  }

  /** Compare a legend with the cells of its table. */
  async function checkPicture(root) {
    if (!shown(".legend li", root).length) return null;
    const keys = () => all(".legend li", root).map((each) => [each.querySelector(".cell").className.replace("cell ", ""), numberOf(each.querySelector(".note").textContent)]);
    const cells = () => all(".picture-frame td.cell", root);
    await until(() => sum(keys().map(([, n]) => n)) === cells().length);
    const kinds = new Map();
    for (const [kind, n] of keys()) kinds.set(kind, (kinds.get(kind) ?? 0) + n);
    for (const [kind, n] of kinds) compare(`the legend's ${kind}`, n, cells().filter((each) => each.classList.contains(kind)).length);
    compare("all cells", sum([...kinds.values()]), cells().length);
    return new Map(all(".legend li", root).map((each) => [each.textContent.replace(/[\d,()]+.*/, "").trim(), numberOf(each.querySelector(".note").textContent)]));
  }

  async function checkPictures(root) {
    for (const part of shown("details.picture", root)) {
      const before = part.open;
      part.open = true;
      await until(() => shown(".legend li, [role=alert], .quiet", part).length && !shown("[role=status]", part).length);
      await checkPicture(part);
      part.open = before;
    }
  }

  /** Press each filter, and count the rows that it shows. */
  async function checkAssignments(panel) {
    const chips = () => shown(".filters button", panel);
    const texts = chips().map((each) => each.textContent);
    for (let n = 0; n < texts.length; n += 1) {
      chips()[n].click();
      compare(`the filter ${texts[n]}`, find(texts[n], /([\d,]+)$/), shown(".assignments > li:not(.none)", panel).length);
    }
    chips()[0]?.click();
  }

  function checkLog(panel) {
    for (const row of shown("table.log tbody tr", panel)) {
      const status = row.querySelector(".status").textContent;
      const result = row.querySelector(".result").textContent.match(/^(?:([\d,]+) assignments?)?(?: and )?(?:([\d,]+) scores?)? needs? attention/);
      if (/attention/.test(status)) compare(status, find(status, /([\d,]+) needs?/), numberOf(result?.[1]) + numberOf(result?.[2]));
    }
  }

  async function checkComparison(panel) {
    const legend = await checkPicture(panel.querySelector(".compared"));
    const sentence = panel.querySelector(".card h2").textContent;
    if (legend) {
      const scores = sum([...legend].filter(([words]) => words !== "No score").map(([, n]) => n));
      compare("compared", find(panel.querySelector(".when").textContent, /: ([\d,]+) score/), scores);
      const edits = /^Both edits/.test(sentence) ? 2 : find(sentence, /([\d,]+) edits? /);
      compare(sentence, edits, (legend.get("Changed in PowerSchool") ?? 0) + (legend.get("Changed in both") ?? 0));
    }
    const open = shown("[aria-label='Decide about all that are undecided'] .note", panel)[0]?.textContent;
    const undecided = shown(".decisions > li", panel).filter((each) => !each.querySelector("[aria-pressed=true]")).length;
    if (open) compare("undecided", find(open, /All ([\d,]+) score/), undecided);
    const totals = shown(".totals h3", panel)[0]?.textContent;
    if (totals) compare(totals, find(totals, /([\d,]+) of/), all(".totals .students", panel)[0]?.children.length ?? 0);
    const assumed = panel.querySelector(".assumed");
    if (assumed) compare("assumed", find(assumed.querySelector("summary").textContent, /([\d,]+) thing/), all("li", assumed).length);
  }

  /** Compare what the card announces with the rows of the tab Assignments. */
  async function checkAnnounced(panel) {
    const words = panel.querySelector(".waiting")?.textContent ?? "";
    if (!words) return;
    const [sync, assignments] = all("[role=tab]");
    assignments.click();
    await until(() => shown(".assignments > li").length);
    await pause(300);
    const states = shown(".assignments > li .state").map((each) => each.textContent);
    sync.click();
    if (/can't be sent yet/.test(words)) compare(words, find(words, /([\d,]+) assignment/), states.filter((text) => text === "Problem").length);
    if (/changed in Schoology/.test(words)) compare(words, find(words, /([\d,]+) score/), sum(states.map((text) => find(text, /([\d,]+) scores? waiting/))));
  }

  const panel = shown("[role=tabpanel]")[0];
  if (!panel || shown("[role=alert]", panel).some((each) => each.textContent.includes("can't be reached"))) return faults;
  if (shown(".assignments", panel).length) await checkAssignments(panel);
  checkLog(panel);
  if (panel.querySelector(".compared")) await checkComparison(panel);
  for (const card of shown(".card", panel)) {
    const below = card.parentElement;
    if (card.querySelector(".headline")) await checkResult(card, below);
  }
  await checkPictures(panel);
  await checkAnnounced(panel);
  return faults;
}
