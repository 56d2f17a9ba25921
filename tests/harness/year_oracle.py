"""Judge each sync of a school year by the rules alone, with a memory of its own and no code of the product.

It remembers what was sent where and for whom, and holds the rules against what the SIS shows before and
after a sync. Where the rules leave freedom, every right state passes.
"""

from collections.abc import Iterable

from gradesync_sandbox.powerschool import rows as sis
from harness.sis_snapshot import Snapshot
from harness.year_memory import Done, YearMemory
from harness.year_moved import find_moved
from harness.year_people import acting_teachers, form
from harness.year_verdict import Verdict


def judge_sync(memory: YearMemory, done: Done) -> list[str]:
    """Return every rule that a sync broke as a sentence, and remember what stands now."""
    section, changed = memory.section(), _changes(done.before, done.after)
    if done.error is not None:
        if done.rough or (done.error in _stops(memory, section) and not changed):
            return []
        return [f"it stopped: {done.error}; {changed}"]
    if section is not None and memory.is_taken(section):
        return [f"two classes go to SIS section {section.dcid}"]
    if section is None:
        return [f"it did not stop although {memory.book.school_code!r} leads nowhere; {changed}"]
    left = memory.columns if memory.linked not in {0, section.dcid} else {}
    memory.follow(section)
    verdict = Verdict(memory, done, section)
    broken = [*verdict.sentences(), *_duplicates(done.after, section), *find_moved(verdict, left)]
    memory.learn(done, verdict.found, verdict.standing, verdict.records, verdict.clear)
    return broken


def _stops(memory: YearMemory, section: sis.Section | None) -> set[str]:
    """Return the errors that a sync may end with."""
    stops = set()
    if section is None:
        stops |= {"sis-section-not-found", "section-unmatched"}
    elif memory.is_taken(section):
        stops.add("sis-section-taken")
    if section is not None and not acting_teachers(memory.world, section):
        stops.add("teacher-not-in-sis-section")
    if not memory.book.synced or not memory.book.school_code:
        stops.add("section-not-from-sis")
    return stops


def _changes(before: Snapshot, after: Snapshot) -> list[str]:
    """Return what a sync changed in the SIS."""
    cells = {c for c in before.cells.keys() | after.cells.keys() if before.cells.get(c) != after.cells.get(c)}
    keys = before.columns.keys() | after.columns.keys()
    columns = {k for k in keys if before.columns.get(k) != after.columns.get(k)}
    return [f"changed: {thing}" for thing in [*sorted(cells), *sorted(columns)]]


def _duplicates(after: Snapshot, section: sis.Section) -> Iterable[str]:
    """Find columns of one section with the same name and due date (R29, R45, R50)."""
    slots = [(form(c.name), c.due) for c in after.columns.values() if c.section == section.dcid]
    return [f"{slot} stands {slots.count(slot)} times" for slot in set(slots) if slots.count(slot) > 1]
