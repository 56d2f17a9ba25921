"""Reads both sides for one attempt: as little of them as its plan needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gradesync.core.bind import bind, missing, needs_scores
from gradesync.core.categories import Pairing
from gradesync.core.gradebook import Gradebook
from gradesync.core.reasons import Reason
from gradesync.core.rules import Rulebook, syncable
from gradesync.core.sis import LiveAssignment, LiveGradebook, SisSection
from gradesync.db import ledger, links
from gradesync.db.links import SectionLink
from gradesync.errors import SyncStopped
from gradesync.sync import read
from gradesync.sync.attempt import Attempt
from gradesync.sync.link import Matched, match_students, new_pairs, pair_categories, resolve, rules_hash


@dataclass(frozen=True, slots=True)
class Reading:
    """Both sides, as one attempt found them."""

    gradebook: Gradebook
    book: Rulebook
    matched: Matched
    live: LiveGradebook

    @property
    def section(self) -> SisSection:
        return self.book.section

    @property
    def pairing(self) -> Pairing:
        return self.book.pairing


async def gather(attempt: Attempt) -> Reading:
    """Read both sides, as little of them as the plan needs."""
    gradebook, listed = await _first_reads(attempt)
    _check_section(attempt, gradebook)
    linked = await resolve(attempt.district, attempt.link, gradebook.section_code, attempt.target)
    if linked.sis is None:
        raise SyncStopped(Reason.SIS_SECTION_NOT_FOUND)
    section = linked.sis
    if listed is None or linked is not attempt.link:
        listed = await attempt.target.assignments(section)
    linked, pairing = await pair_categories(
        linked,
        attempt.pairs,
        gradebook,
        attempt.target,
        district=attempt.district,
        now=attempt.engine.clock(),
        afresh=attempt.full,
    )
    await _keep_link(attempt, linked, pairing)
    matched = await match_students(attempt.district, gradebook, section, attempt.target)
    book = Rulebook(section, pairing, attempt.target.capabilities, attempt.district.policy)
    return await _complete(attempt, Reading(gradebook, book, matched, LiveGradebook(tuple(listed))))


async def _first_reads(attempt: Attempt) -> tuple[Gradebook, Sequence[LiveAssignment] | None]:
    """Read the source, and at the same time the SIS's list where the section is linked."""
    entries, link, section_id = attempt.journal.entries, attempt.link, attempt.sync.section_id
    read_from = None if attempt.full else read.since(entries, link.last_full_read, attempt.engine.clock())
    reading = attempt.source.read(section_id, read_from)
    if link.sis is None:
        return await reading, None
    return await read.both(reading, attempt.target.assignments(link.sis))


def _check_section(attempt: Attempt, gradebook: Gradebook) -> None:
    """Refuse what may not sync: a section not made by the SIS (R16), a person who may not (R22)."""
    sync, policy = attempt.sync, attempt.district.policy
    if not gradebook.from_sis or gradebook.section_code is None:
        raise SyncStopped(Reason.SECTION_NOT_FROM_SIS)
    teacher = sync.requested_by_kind == "teacher"
    if teacher and not policy.admin_sync and sync.requested_by_id not in gradebook.course_admins:
        raise SyncStopped(Reason.NOT_COURSE_ADMIN)


async def _keep_link(attempt: Attempt, linked: SectionLink, pairing: Pairing) -> None:
    """Remember what was resolved. Refs of another SIS section are of no use in this one."""
    pairs, old = new_pairs(pairing), attempt.link
    moved = old.sis is not None and linked.sis is not None and old.sis.ref.key != linked.sis.ref.key
    attempt.link, attempt.pairs = linked, {**attempt.pairs, **pairs}
    if attempt.sync.dry_run or (linked == old and not pairs):
        return
    section_id = attempt.sync.section_id
    try:
        async with attempt.engine.database.district(attempt.district.id) as db:
            await links.save(db, linked)
            await links.save_pairs(db, section_id, pairs.values())
            if moved:
                await ledger.unbind(db, section_id)
                attempt.journal.entries = await ledger.load(db, section_id)
    except links.SisSectionTaken as taken:
        raise SyncStopped(Reason.SIS_SECTION_TAKEN) from taken


async def _complete(attempt: Attempt, reading: Reading) -> Reading:
    """Read what the first answers left open: missing assignments, cells, and scores to look at."""
    entries, target = attempt.journal.entries, attempt.target
    verdicts = syncable(reading.gradebook, entries, reading.book)
    absent = missing(verdicts, entries, reading.live)
    live, gone = await read.confirm_missing(target, reading.section, reading.live, absent)
    syncing = [assignment_id for assignment_id, verdict in verdicts.items() if verdict.spec]
    gradebook = await _cells(attempt, reading, syncing, gone)
    refs = needs_scores(bind(verdicts, entries, live, attempt.district.policy), entries, full=attempt.full)
    live = await read.read_scores(target, reading.section, live, refs)
    return replace(reading, gradebook=gradebook, live=live)


async def _cells(
    attempt: Attempt, reading: Reading, syncing: Sequence[str], gone: frozenset[str]
) -> Gradebook:
    """Read all cells where a read of changes cannot be enough."""
    gradebook, link, entries = reading.gradebook, attempt.link, attempt.journal.entries
    if gradebook.full:
        return gradebook
    newcomers = reading.matched.keys.keys() - link.students.keys()
    if newcomers or rules_hash(attempt.district, reading.section, reading.pairing) != link.rules_hash:
        return await read.read_all(attempt.source, gradebook)
    read_from = read.since(entries, link.last_full_read, attempt.engine.clock())
    retried = set(attempt.selection or ()) if attempt.sync.retry_of else set()
    ids = {*read.behind(syncing, entries, read_from), *gone, *retried.intersection(syncing)}
    return await read.top_up(attempt.source, gradebook, sorted(ids))
