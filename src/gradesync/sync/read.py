"""Read both sides for one attempt: as little of them as its plan needs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gradesync.core.assignments import Judged, bind, find_unlisted, select_score_reads
from gradesync.core.decisions import find_changing, find_owing, has_pending
from gradesync.core.fit import ScoreFitter
from gradesync.core.gradebook import ENROLLMENTS, Gradebook
from gradesync.core.ledger import Ledger, find_cursor, is_among, reassign_columns, unbind
from gradesync.core.ports import Source, Target
from gradesync.core.reasons import Reason
from gradesync.core.retries import follow_selection
from gradesync.core.rules import Rulebook, Verdict
from gradesync.core.sis import LiveAssignment, LiveGradebook, LiveScores, Ref, SisSection
from gradesync.core.succession import reassign_held_up
from gradesync.db.holders import find_holders
from gradesync.db.links import SectionLink
from gradesync.errors import SyncStopped
from gradesync.sync.accounts import follow_accounts
from gradesync.sync.claim import Attempt
from gradesync.sync.facts import Fact, describe_linked, describe_section, judge_on_facts
from gradesync.sync.link import Matched, hash_sides, keep_link, match_students, open_facts
from gradesync.sync.older_blanks import hold_older_blanks
from gradesync.upstream.response import read_both

# Refusals that no other section would change: the sync ends with them.
CREDENTIALS = frozenset({Reason.SIS_CREDENTIALS_REFUSED, Reason.SIS_PERMISSION_MISSING})
FULL_READ_EVERY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold both sides as one attempt read them. The gradebook's cells are those changed since `since`.

    `rules_hash` identifies what cursors move under. `judged` is None where the ledger has changed since.
    `term_read`: the days of the term are no memory.
    """

    since: datetime | None
    gradebook: Gradebook
    book: Rulebook
    matched: Matched
    live: LiveGradebook
    rules_hash: str
    judged: Judged | None = None
    term_read: bool = False

    @property
    def section(self) -> SisSection:
        return self.book.section

    def has_changed(self, link: SectionLink) -> bool:
        """Return True where cursors were moved for other students, or under other settings."""
        newcomers = self.matched.keys.items() - link.students.items()
        return bool(newcomers) or self.rules_hash != link.rules_hash


async def read_both_sides(attempt: Attempt) -> Reading:
    """Read the gradebook and the SIS section, and keep the link between them."""
    since = None if attempt.full else _since(attempt)
    gradebook, listed = await _read_first(attempt, since)
    attempt.journal.profile = describe_section(gradebook)
    code = _check_section(attempt, gradebook)
    facts = open_facts(attempt)
    facts.link = replace(facts.link, school=gradebook.school or facts.link.school)
    await facts.resolve(code, doubted=attempt.link.sis is not None and listed is None)
    listed_from = attempt.link.sis if listed is not None else None
    if attempt.link.sis is not None and attempt.link.sis.ref.key != facts.section.ref.key:
        listed_from, listed = facts.section, await attempt.target.assignments(facts.section)
        _unbind_elsewhere(attempt, [live.ref.key for live in listed if not live.shared])
    judging = judge_on_facts(facts, gradebook, attempt.journal.entries, attempt.district.policy)
    if listed is None or _is_other(facts.section, listed_from):
        listed_from = facts.section
        (book, verdicts), listed = await read_both(judging, attempt.target.assignments(listed_from))
    else:
        book, verdicts = await judging
    if listed is None or _is_other(book.section, listed_from):
        listed = await attempt.target.assignments(book.section)
    if find_unlisted(verdicts, attempt.journal.entries, LiveGradebook(tuple(listed))):
        # What was deleted is created again, which an inactive category refuses (R37, R44).
        await facts.require({Fact.CATEGORIES})
        book, verdicts = await judge_on_facts(facts, gradebook, attempt.journal.entries, book.policy)
    attempt.journal.profile = describe_linked(gradebook, facts, book.pairing)
    moved = await keep_link(attempt, facts, [live.ref.key for live in listed if not live.shared])
    matched = await match_students(attempt.district, gradebook, book.section, attempt.target)
    rules_hash = hash_sides(attempt.district, book.section, book.pairing, gradebook)
    reading = Reading(since, gradebook, book, matched, LiveGradebook(tuple(listed)), rules_hash)
    reading = replace(reading, term_read=Fact.TERM in facts.read)
    # What stands in a SIS section that is new to this one belongs to no other section from now on.
    return await _complete(attempt, reading, verdicts, others_hold=not moved)


def _is_other(section: SisSection, listed_from: SisSection | None) -> bool:
    """Return True where assignments were listed from another SIS section, or as another teacher."""
    return listed_from is None or section.ref.is_other(listed_from.ref)


def _unbind_elsewhere(attempt: Attempt, refs: Collection[str]) -> None:
    """Clear the ledger of a section that goes to another SIS section, but for what that lists: `refs`."""
    entries = attempt.journal.entries.values()
    attempt.journal.entries = {e.id: e if is_among(e, refs) else unbind(e) for e in entries}


def _since(attempt: Attempt) -> datetime | None:
    """Return the smallest cursor among the assignments that sync; None where everything is to be read."""
    last_full_read = attempt.link.last_full_read
    if last_full_read is None or attempt.context.clock() - last_full_read >= FULL_READ_EVERY:
        return None
    return find_cursor(attempt.journal.entries)


async def _read_first(
    attempt: Attempt, since: datetime | None
) -> tuple[Gradebook, Sequence[LiveAssignment] | None]:
    """Read the source, and at the same time the SIS's list where the section is linked.

    The list is None where there is no link, or the SIS refuses the section as it is remembered.
    """
    link, reading = attempt.link, attempt.source.read(attempt.sync.section_id, since)
    if link.sis is None:
        return await reading, None
    return await read_both(reading, _list_remembered(attempt.target, link.sis))


async def _list_remembered(target: Target, section: SisSection) -> Sequence[LiveAssignment] | None:
    try:
        return await target.assignments(section)
    except SyncStopped as stopped:
        if stopped.reason in CREDENTIALS:
            raise
        return None


def _check_section(attempt: Attempt, gradebook: Gradebook) -> str:
    """Return the school code of a section that may sync: made by the SIS (R16), by a course admin (R22)."""
    sync, policy = attempt.sync, attempt.district.policy
    if not gradebook.from_sis or gradebook.section_code is None:
        raise SyncStopped(Reason.SECTION_NOT_FROM_SIS)
    teacher = sync.requested_by_kind == "teacher"
    if teacher and not policy.admin_sync and sync.requested_by_id not in gradebook.course_admins:
        asker = gradebook.students.get(sync.requested_by_id)
        doubted = ENROLLMENTS in gradebook.partial_lists or (asker is not None and asker.unreadable)
        raise SyncStopped(Reason.PARTIAL_READ if doubted else Reason.NOT_COURSE_ADMIN)
    return gradebook.section_code


async def _complete(
    attempt: Attempt, reading: Reading, verdicts: Mapping[str, Verdict], *, others_hold: bool
) -> Reading:
    """Read what the first responses left open: missing assignments, cells, and scores to check.

    `others_hold`: assignments of the SIS section may belong to another section's assignments.
    """
    absent = find_unlisted(verdicts, attempt.journal.entries, reading.live)
    live, gone = await _confirm_missing(attempt.target, reading.section, reading.live, absent)
    syncing = {assignment_id: verdict.spec for assignment_id, verdict in verdicts.items() if verdict.spec}
    known, keys = attempt.journal.entries, reading.matched.keys
    _reassign(attempt, reassign_columns(reading.gradebook, syncing, known, live), gone)
    gradebook = await _read_cells(attempt, reading, tuple(syncing), gone)
    entries: Ledger = attempt.journal.entries
    if any(a not in entries or entries[a].ref is None for a in syncing) or gone:
        fitter = ScoreFitter.of(reading.book.capabilities, reading.book.policy)
        held_up = reassign_held_up(gradebook, syncing, entries, live, keys=keys, fitter=fitter)
        _reassign(attempt, held_up, gone)
    reassigned = attempt.journal.entries is not known
    entries = attempt.journal.entries
    if attempt.sync.retry_of or any(entry.decisions or entry.owed for entry in entries.values()):
        entries = follow_accounts(attempt, keys)
    if gradebook.blanked:
        gradebook = await hold_older_blanks(gradebook, entries, keys, attempt.database)
    policy = attempt.district.policy
    changing = frozenset(key for key, entry in entries.items() if entry.decisions and has_pending(entry))
    if owing := {key: entry for key, entry in entries.items() if entry.owed}:
        changing |= find_owing(owing, keys)
    if policy.drift == "ask":
        changing |= find_changing(gradebook, entries, keys)
    bindings = bind(verdicts, entries, live, policy)
    if others_hold and any(binding.adopted for binding in bindings.values()):
        live = replace(live, held=await _find_held(attempt, live))
        bindings = bind(verdicts, entries, live, policy)
    refs = select_score_reads(bindings, entries, full=attempt.full, changing=changing)
    live = await _read_scores(attempt.target, reading.section, live, refs)
    judged = None if reassigned else (verdicts, bindings)
    return replace(reading, gradebook=gradebook, live=live, judged=judged)


def _reassign(attempt: Attempt, entries: Ledger, gone: frozenset[str]) -> None:
    """Go on with entries of which some have the column of a removed assignment."""
    if entries is not attempt.journal.entries:
        attempt.journal.entries = dict(entries)
    if attempt.sync.retry_of and attempt.selection:
        attempt.selection = follow_selection(attempt.selection, entries, gone)


async def _find_held(attempt: Attempt, live: LiveGradebook) -> Mapping[str, str]:
    """Find the listed assignments that belong to other sections; the words name whose they are."""
    async with attempt.database() as db:
        refs = [item.ref.key for item in live.assignments]
        holders = await find_holders(db, attempt.sync.section_id, refs)
    return {key: str(holder) for key, holder in holders.items()}


async def _confirm_missing(
    target: Target, section: SisSection, live: LiveGradebook, absent: Sequence[tuple[str, Ref]]
) -> tuple[LiveGradebook, frozenset[str]]:
    """Ask by id for every assignment that the SIS's list lacks: absence from a list proves nothing (R20).

    `absent` are (assignment id, ref). The second value are the ids of the assignments that are deleted.
    """
    listed, gone = list(live.assignments), {}
    for assignment_id, ref in absent:
        assignment = await target.assignment(section, ref)
        if assignment is None:
            gone[assignment_id] = ref.key
        else:
            listed.append(assignment)
    return LiveGradebook(tuple(listed), gone=frozenset(gone.values())), frozenset(gone)


async def _read_cells(
    attempt: Attempt, reading: Reading, syncing: Sequence[str], gone: frozenset[str]
) -> Gradebook:
    """Read all cells where a read of changes cannot be enough."""
    gradebook, since, link = reading.gradebook, reading.since, attempt.link
    if since is None:
        return gradebook
    if reading.has_changed(link):
        return await read_all_cells(attempt.source, gradebook)
    retried = set(attempt.selection or ()) if attempt.sync.retry_of else set()
    behind = _behind(syncing, attempt.journal.entries, since)
    return await _read_whole(
        attempt.source, gradebook, sorted({*behind, *gone, *retried.intersection(syncing)})
    )


def _behind(ids: Sequence[str], entries: Ledger, since: datetime) -> list[str]:
    """Return the assignments for which a read of changes since then is not enough."""
    return [
        assignment_id
        for assignment_id in ids
        if (entry := entries.get(assignment_id)) is None
        or entry.read_through is None
        or entry.read_through < since
    ]


async def read_all_cells(source: Source, gradebook: Gradebook) -> Gradebook:
    """Replace the cells of a read of changes by all cells."""
    read = await source.cells(gradebook, None)
    return replace(
        gradebook,
        cells=read.cells,
        unreadable=read.unreadable,
        differing=read.differing,
        blanked=read.blanked,
        partial=read.partial,
        read_through=read.read_through,
        full=True,
    )


async def _read_whole(source: Source, gradebook: Gradebook, ids: Sequence[str]) -> Gradebook:
    """Replace the cells of some assignments, of which only changes were read, by all of their cells."""
    if not ids:
        return gradebook
    read = await source.cells(gradebook, ids)
    again = set(ids)
    kept = {key: why for key, why in gradebook.unreadable.items() if key[0] not in again}
    differing = frozenset(key for key in gradebook.differing if key[0] not in again)
    cells = {assignment_id: read.cells.get(assignment_id, {}) for assignment_id in ids}
    return replace(
        gradebook,
        cells={**gradebook.cells, **cells},
        unreadable={**kept, **read.unreadable},
        differing=differing | read.differing,
        blanked={**gradebook.blanked, **read.blanked},
        partial=gradebook.partial | read.partial,
        read_through={**gradebook.read_through, **read.read_through},
    )


async def _read_scores(
    target: Target, section: SisSection, live: LiveGradebook, refs: Sequence[Ref]
) -> LiveGradebook:
    """Read back the scores of some assignments, where the plugin may read them."""
    scores: dict[str, LiveScores] = {}
    for ref in refs:
        read = await target.scores(section, ref)
        if read is not None:
            scores[ref.key] = read
    return replace(live, scores=scores)
