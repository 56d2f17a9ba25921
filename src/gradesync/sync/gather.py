"""Reads both sides for one attempt: as little of them as its plan needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gradesync.core.bind import bind, missing, needs_scores
from gradesync.core.categories import Pairing
from gradesync.core.gradebook import Gradebook
from gradesync.core.ledger import unbound
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
    """Both sides, as one attempt found them. `since`: the gradebook's cells are those changed since then."""

    since: datetime | None
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
    since = None if attempt.full else _since(attempt)
    gradebook, listed = await _first_reads(attempt, since)
    code = _checked(attempt, gradebook)
    linked, section = await resolve(attempt.district, attempt.link, code, attempt.target)
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
    await _keep_link(attempt, linked, section, pairing)
    matched = await match_students(attempt.district, gradebook, section, attempt.target)
    book = Rulebook(section, pairing, attempt.target.capabilities, attempt.district.policy)
    return await _complete(attempt, Reading(since, gradebook, book, matched, LiveGradebook(tuple(listed))))


def _since(attempt: Attempt) -> datetime | None:
    return read.since(attempt.journal.entries, attempt.link.last_full_read, attempt.engine.clock())


async def _first_reads(
    attempt: Attempt, since: datetime | None
) -> tuple[Gradebook, Sequence[LiveAssignment] | None]:
    """Read the source, and at the same time the SIS's list where the section is linked."""
    link, reading = attempt.link, attempt.source.read(attempt.sync.section_id, since)
    if link.sis is None:
        return await reading, None
    return await read.both(reading, attempt.target.assignments(link.sis))


def _checked(attempt: Attempt, gradebook: Gradebook) -> str:
    """The school code of a section that may sync: made by the SIS (R16), asked for by who may (R22)."""
    sync, policy = attempt.sync, attempt.district.policy
    if not gradebook.from_sis or gradebook.section_code is None:
        raise SyncStopped(Reason.SECTION_NOT_FROM_SIS)
    teacher = sync.requested_by_kind == "teacher"
    if teacher and not policy.admin_sync and sync.requested_by_id not in gradebook.course_admins:
        raise SyncStopped(Reason.NOT_COURSE_ADMIN)
    return gradebook.section_code


async def _keep_link(attempt: Attempt, linked: SectionLink, section: SisSection, pairing: Pairing) -> None:
    """Remember what was resolved. Refs of another SIS section are of no use in this one."""
    pairs, old = new_pairs(pairing), attempt.link
    moved = old.sis is not None and old.sis.ref.key != section.ref.key
    attempt.link, attempt.pairs = linked, {**attempt.pairs, **pairs}
    if moved:
        attempt.journal.entries = {key: unbound(entry) for key, entry in attempt.journal.entries.items()}
    if attempt.sync.dry_run or (linked == old and not pairs):
        return
    section_id = attempt.sync.section_id
    try:
        async with attempt.engine.database.district(attempt.district.id) as db:
            if moved:
                await ledger.unbind(db, section_id)
            await links.save(db, linked)
            await links.save_pairs(db, section_id, pairs.values())
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
    gradebook, since, link = reading.gradebook, reading.since, attempt.link
    if since is None:
        return gradebook
    newcomers = reading.matched.keys.keys() - link.students.keys()
    if newcomers or rules_hash(attempt.district, reading.section, reading.pairing) != link.rules_hash:
        return await read.read_all(attempt.source, gradebook)
    retried = set(attempt.selection or ()) if attempt.sync.retry_of else set()
    ids = {*read.behind(syncing, attempt.journal.entries, since), *gone, *retried.intersection(syncing)}
    return await read.top_up(attempt.source, gradebook, sorted(ids))
