"""One attempt at one sync, from the first read to the last outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.bind import bind, missing, needs_scores
from gradesync.core.categories import Pairing
from gradesync.core.district import District
from gradesync.core.gradebook import Gradebook
from gradesync.core.plan import Plan, Selection
from gradesync.core.planner import plan as make_plan
from gradesync.core.reasons import Reason
from gradesync.core.rules import syncable
from gradesync.core.sis import LiveAssignment, LiveGradebook, Ref, SisSection
from gradesync.db import districts, ledger, links, outcomes
from gradesync.db.links import Pair, SectionLink
from gradesync.db.syncs import Sync
from gradesync.errors import SyncStopped
from gradesync.sync import read
from gradesync.sync.apply import Placing, place
from gradesync.sync.engine import Engine
from gradesync.sync.journal import Journal, Settlement
from gradesync.sync.lease import Lease
from gradesync.sync.link import (
    Matched,
    change_teacher,
    match_students,
    new_pairs,
    pair_categories,
    resolve,
    rules_hash,
)
from gradesync.sync.ports import Source, Target
from gradesync.sync.results import foretell, tell_rules, tell_scores, tell_strays
from gradesync.sync.scores import Delivery
from gradesync.sync.tally import Tally
from gradesync.sync.write import write


@dataclass(slots=True)
class Attempt:
    """One worker's attempt at one sync: what it holds, and what it works with."""

    engine: Engine
    district: District
    sync: Sync
    source: Source
    target: Target
    journal: Journal
    link: SectionLink
    pairs: Mapping[str, Pair]
    selection: Selection | None
    spanning: bool

    @property
    def whole(self) -> bool:
        """Whether everything that the section holds is meant."""
        return self.selection is None

    @property
    def full(self) -> bool:
        return self.sync.mode == "full"


@dataclass(frozen=True, slots=True)
class Reading:
    """Both sides, as one attempt found them."""

    gradebook: Gradebook
    section: SisSection
    pairing: Pairing
    matched: Matched
    live: LiveGradebook


async def open_attempt(engine: Engine, district: District, sync: Sync, lease: Lease) -> Attempt:
    """Load what is stored of the section, and open both systems."""
    async with engine.database.district(district.id) as db:
        link = await links.get(db, sync.section_id) or SectionLink(section_id=sync.section_id)
        pairs = await links.pairs(db, sync.section_id)
        entries = await ledger.load(db, sync.section_id)
        earlier = await outcomes.results(db, sync.id) if sync.attempt > 1 else {}
        selection = await _selection(db, sync)
        facts = await districts.facts(db)
    requester = sync.requested_by_id if sync.requested_by_kind == "teacher" else None
    return Attempt(
        engine=engine,
        district=district,
        sync=sync,
        source=engine.systems.source(district, requester=requester, until=sync.settles_by),
        target=engine.systems.target(district, permit=lease, until=sync.settles_by),
        journal=Journal(
            database=engine.database,
            sync=sync,
            lease=lease,
            tally=Tally.of(earlier, sync.warnings if earlier else {}),
            entries=entries,
            slice=engine.bounds.slice,
        ),
        link=link,
        pairs=pairs,
        selection=selection,
        spanning=not facts.non_spanning,
    )


async def _selection(db: AsyncSession, sync: Sync) -> Selection | None:
    if sync.retry_of is not None:
        return await outcomes.failed(db, sync.retry_of) or None
    return dict.fromkeys(sync.selection) if sync.selection else None


async def carry_through(attempt: Attempt) -> None:
    """Read, plan, apply, settle. Raises `SyncStopped`, `Retriable`, `LeaseLost`, `SliceOver`.

    Where the SIS says that the acting teacher does not teach the section, it is resolved once more.
    """
    try:
        await _once(attempt)
    except SyncStopped as stop:
        if stop.reason != Reason.TEACHER_NOT_IN_SIS_SECTION or attempt.link.sis is None:
            raise
        await _change_teacher(attempt)
        attempt.journal.start_over()
        await _once(attempt)


async def _change_teacher(attempt: Attempt) -> None:
    journal, old = attempt.journal, attempt.pairs
    attempt.link, attempt.pairs = await change_teacher(attempt.link, old, attempt.target)
    if attempt.sync.dry_run:
        return
    moved = {old[category_id].ref.key: pair.ref for category_id, pair in attempt.pairs.items()}
    for entry in list(journal.entries.values()):
        if entry.spec is not None and (ref := moved.get(entry.spec.category.key)) is not None:
            journal.keep(replace(entry, spec=replace(entry.spec, category=ref)))
    async with attempt.engine.database.district(attempt.district.id) as db:
        await links.save(db, attempt.link)
        await links.save_pairs(db, attempt.sync.section_id, attempt.pairs)
    await journal.record("reading")


async def _once(attempt: Attempt) -> None:
    reading = await _gather(attempt)
    plan = _plan(attempt, reading)
    journal = attempt.journal
    journal.begin(plan)
    tell_rules(journal, plan)
    tell_strays(journal, plan)
    _check_approval(attempt, plan)
    if attempt.sync.dry_run:
        await _preview(attempt, reading, plan)
    else:
        await _apply(attempt, reading, plan)


def _check_approval(attempt: Attempt, plan: Plan) -> None:
    approved = attempt.sync.approve
    if approved is not None and plan.fingerprint != approved:
        raise SyncStopped(Reason.PLAN_CHANGED)
    if plan.tripped and approved is None and not attempt.sync.dry_run:
        raise SyncStopped(Reason.MASS_CHANGE)


async def _preview(attempt: Attempt, reading: Reading, plan: Plan) -> None:
    refs = {item.id: Ref(item.id) for item in plan.assignments}
    tell_scores(attempt.journal, plan, refs, reading.gradebook, attempt.selection)
    foretell(attempt.journal, plan)
    await attempt.journal.settle(Settlement())


async def _apply(attempt: Attempt, reading: Reading, plan: Plan) -> None:
    journal, bounds = attempt.journal, attempt.engine.bounds
    placing = Placing(
        target=attempt.target,
        section=reading.section,
        journal=journal,
        call_timeout=bounds.call_timeout,
        take_over=attempt.district.policy.take_over,
        bound={entry.ref.key for entry in journal.entries.values() if entry.ref},
    )
    await place(placing, plan)
    tell_scores(journal, plan, placing.refs, reading.gradebook, attempt.selection)
    _forget_vanished(journal, reading.gradebook)
    delivery = Delivery(attempt.target, reading.section, elsewhere=reading.matched.elsewhere)
    await write(
        journal,
        delivery,
        plan,
        placing.refs,
        size=attempt.target.capabilities.rows_per_write,
        spanning=attempt.spanning,
        end=_settlement(attempt, reading, plan, placing.refs),
    )
    if delivery.unspanned:
        async with attempt.engine.database.district(attempt.district.id) as db:
            await districts.learn(db, non_spanning=True)


def _forget_vanished(journal: Journal, gradebook: Gradebook) -> None:
    """An assignment that the source no longer lists loses its cursor: restored, it is read whole (R19)."""
    listed = {item.id for item in gradebook.assignments}
    for entry in list(journal.entries.values()):
        if entry.id not in listed and entry.read_through is not None:
            journal.keep(replace(entry, read_through=None))


def _settlement(attempt: Attempt, reading: Reading, plan: Plan, refs: Mapping[str, Ref]) -> Settlement:
    """What a whole application lets us remember: cursors, and what the section was read under."""
    if not attempt.whole:
        return Settlement(read_through=_cursors(attempt, reading, plan, refs))
    link = replace(
        attempt.link,
        students=reading.matched.keys,
        rules_hash=rules_hash(attempt.district, reading.section, reading.pairing),
        last_full_read=attempt.engine.clock() if reading.gradebook.full else attempt.link.last_full_read,
    )
    return Settlement(link=link, read_through=_cursors(attempt, reading, plan, refs))


def _cursors(attempt: Attempt, reading: Reading, plan: Plan, refs: Mapping[str, Ref]) -> dict[str, datetime]:
    """The cursors that may move: of assignments in their place, all of whose rows were read."""
    book, selection = reading.gradebook, attempt.selection
    torn = {assignment_id for assignment_id, _ in book.unreadable} | book.partial
    return {
        item.id: book.read_through[item.id]
        for item in plan.assignments
        if item.id in refs
        and item.id in book.read_through
        and item.id not in torn
        and (selection is None or selection.get(item.id, frozenset()) is None)
    }


def _plan(attempt: Attempt, reading: Reading) -> Plan:
    return make_plan(
        reading.gradebook,
        attempt.journal.entries,
        reading.live,
        reading.section,
        reading.pairing,
        reading.matched.keys,
        attempt.target.capabilities,
        attempt.district.policy,
        selection=attempt.selection,
        full=attempt.full,
    )


async def _gather(attempt: Attempt) -> Reading:
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
        many_to_one=attempt.district.policy.many_to_one,
        now=attempt.engine.clock(),
        afresh=attempt.full,
    )
    await _keep_link(attempt, linked, pairing)
    matched = await match_students(attempt.district, gradebook, section, attempt.target)
    return await _complete(attempt, gradebook, section, pairing, matched, listed)


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
    """Remember what was resolved; the ledger's link to it is what later syncs rely on."""
    pairs = new_pairs(pairing)
    attempt.pairs = {**attempt.pairs, **pairs}
    if attempt.sync.dry_run or (linked == attempt.link and not pairs):
        attempt.link = linked
        return
    attempt.link = linked
    async with attempt.engine.database.district(attempt.district.id) as db:
        await links.save(db, linked)
        await links.save_pairs(db, attempt.sync.section_id, pairs)


async def _complete(
    attempt: Attempt,
    gradebook: Gradebook,
    section: SisSection,
    pairing: Pairing,
    matched: Matched,
    listed: Sequence[LiveAssignment],
) -> Reading:
    """Read what the first answers left open: missing assignments, cells, and scores to look at."""
    entries, target, policy = attempt.journal.entries, attempt.target, attempt.district.policy
    verdicts = syncable(gradebook, entries, section, pairing, target.capabilities, policy)
    syncing = [assignment_id for assignment_id, verdict in verdicts.items() if verdict.spec]
    live = LiveGradebook(tuple(listed))
    absent = missing(verdicts, entries, live)
    live, gone = await read.confirm_missing(target, section, listed, absent)
    gradebook = await _cells(attempt, gradebook, section, pairing, matched, syncing, gone)
    bindings = bind(verdicts, entries, live, policy)
    refs = needs_scores(bindings, entries, full=attempt.full)
    live = await read.read_scores(target, section, live, refs)
    return Reading(gradebook, section, pairing, matched, live)


async def _cells(
    attempt: Attempt,
    gradebook: Gradebook,
    section: SisSection,
    pairing: Pairing,
    matched: Matched,
    syncing: Sequence[str],
    gone: frozenset[str],
) -> Gradebook:
    """Read all cells where a read of changes cannot be enough."""
    if gradebook.full:
        return gradebook
    link, entries = attempt.link, attempt.journal.entries
    newcomers = matched.keys.keys() - link.students.keys()
    if newcomers or rules_hash(attempt.district, section, pairing) != link.rules_hash:
        return await read.read_all(attempt.source, gradebook)
    read_from = read.since(entries, link.last_full_read, attempt.engine.clock())
    wanted = (
        [] if attempt.sync.retry_of is None else [key for key in attempt.selection or () if key in syncing]
    )
    ids = {*read.behind(syncing, entries, read_from), *gone, *wanted}
    return await read.top_up(attempt.source, gradebook, sorted(ids))
