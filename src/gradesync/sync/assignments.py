"""Write the assignments of a plan to the SIS one by one, recorded every second.

A crash may leave some unrecorded. The next attempt finds them in the SIS's list: by their intent, or because
they are as they should be.
"""

from asyncio import sleep
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import monotonic

from gradesync.core.ledger import LedgerAssignment, doubt_rescaled, holds
from gradesync.core.ordering import AssignmentWrite, TemporaryName, order_writes
from gradesync.core.plan import Action, AssignmentPlan, Plan, ScoreOutcome, ScoreWrite
from gradesync.core.ports import Target
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import Ref, SisSection, Slot, Spec, is_cut
from gradesync.errors import AccessRefused, AnswerLost, Rejected
from gradesync.sync.journal import Journal
from gradesync.sync.outcomes import RESULTS, assignment_outcome, stopped

CREATES = frozenset({Action.CREATE, Action.RECREATE})


@dataclass(slots=True)
class AssignmentWriter:
    """Hold where assignments are written to, and what is known of that section.

    `teacher`: the one that the district chose. `bound`: keys of SIS assignments that belong to a Schoology
    assignment. `listed`: keys of those that stood there before. `named`: ids of assignments whose name was
    written. `teacher_stands`: the SIS named the acting teacher again. `refs`: assignment id -> where its
    scores go; an assignment without one takes no scores in this sync.
    """

    target: Target
    section: SisSection
    journal: Journal
    call_timeout: float
    take_over: bool
    teacher: str | None
    bound: set[str]
    listed: frozenset[str] = frozenset()
    named: set[str] = field(default_factory=set)
    teacher_stands: bool = False
    refs: dict[str, Ref] = field(default_factory=dict)


async def write_assignments(writer: AssignmentWriter, plan: Plan) -> None:
    """Create, update and adopt as planned; afterwards `writer.refs` holds where scores can go."""
    kept = (item for item in plan.assignments if item.action is Action.KEEP)
    writer.refs.update((item.id, item.ref) for item in kept if item.ref)
    if any(item.spec and item.action is not Action.KEEP for item in plan.assignments):
        await _record_intents(writer, plan)
        await _write_in_order(writer, plan)
    await _look_at_written(writer)


async def _write_in_order(writer: AssignmentWriter, plan: Plan) -> None:
    order = order_writes(plan.assignments)
    set_aside = {name.item.id: name for name in order.temporary if await _set_name_aside(writer, name)}
    taken: set[Slot] = set()
    for write in order.writes:
        if refused := await _write_one(writer, write):
            temporary = set_aside.get(write.item.id)
            if temporary is not None and temporary.before.slot not in taken:
                await _restore_name(writer, temporary)
            await _fail(writer, write.item, refused)
        else:
            taken.add(write.spec.slot)


async def _record_intents(writer: AssignmentWriter, plan: Plan) -> None:
    """Keep an intent for every create, so that one whose answer is lost is known as ours when it is found."""
    journal, creates = writer.journal, [item for item in plan.assignments if item.action in CREATES]
    for item in creates:
        # A recreated assignment starts empty: what was sent to its predecessor is not there.
        entry = replace(journal.entry(item.id), sent={}, doubtful={}, read_through=None)
        journal.keep(replace(entry, ref=None, intent=item.spec))
    if creates:
        await journal.record("writing")


async def _set_name_aside(writer: AssignmentWriter, temporary: TemporaryName) -> bool:
    """Rename an assignment for now, so that another of its circle can take its name.

    False where the SIS refuses that: then the writes that need the name are refused too.
    """
    journal, spec = writer.journal, temporary.spec(writer.target.capabilities.name_max)
    entry = journal.entry(temporary.item.id)
    # Recorded before: an assignment that is left with that name is known as ours, and put right.
    journal.keep(_written(entry, temporary.item, temporary.ref, spec))
    await journal.record("writing")
    with suppress(AnswerLost):
        try:
            await _change(writer, temporary.ref, temporary.before, spec)
        except Rejected:
            journal.keep(entry)
            return False
    return True


async def _restore_name(writer: AssignmentWriter, temporary: TemporaryName) -> None:
    """Restore a name that was set aside for nothing. Where that fails, the outcome has a warning."""
    journal, spec = writer.journal, temporary.spec(writer.target.capabilities.name_max)
    with suppress(Rejected, AnswerLost):
        await _change(writer, temporary.ref, spec, temporary.before)
        journal.keep(replace(journal.entry(temporary.item.id), spec=temporary.before))


async def _write_one(writer: AssignmentWriter, turn: AssignmentWrite) -> Rejected | None:
    """Write one assignment and record it; return the refusal where the SIS does not take it."""
    item, spec = turn
    try:
        ref = (
            await _create(writer, item.id, spec)
            if item.ref is None
            else await _change(writer, item.ref, item.before, spec)
        )
    except Rejected as refused:
        return refused
    except AnswerLost as lost:
        return Rejected(Reason.UPSTREAM_UNAVAILABLE, lost.detail)
    writer.refs[item.id] = ref
    writer.bound.add(ref.key)
    if item.before is None or item.before.name != spec.name:
        writer.named.add(item.id)
    writer.journal.keep(_written(writer.journal.entry(item.id), item, ref, spec))
    writer.journal.note(assignment_outcome(item, RESULTS[item.action], item.reason))
    writer.journal.done += 1
    await writer.journal.checkpoint("writing")
    return None


def _written(entry: LedgerAssignment, item: AssignmentPlan, ref: Ref, spec: Spec) -> LedgerAssignment:
    shown = entry.shown if entry.spec and entry.spec.name == spec.name else None
    written = replace(entry, ref=ref, spec=spec, intent=None, may_hold=item.may_hold, shown=shown)
    if entry.spec is None or entry.spec.points == spec.points:
        return written
    # The SIS may rescale what it holds: what was sent is not certain to be there.
    return replace(written, doubtful=doubt_rescaled(entry))


async def _fail(writer: AssignmentWriter, item: AssignmentPlan, refused: Rejected) -> None:
    writer.journal.note(stopped(writer.journal, item, Result.FAILED, refused.reason, refused.detail))
    writer.journal.done += 1
    await writer.journal.checkpoint("writing")


async def _change(writer: AssignmentWriter, ref: Ref, before: Spec | None, spec: Spec) -> Ref:
    """Make an assignment that the SIS holds equal to its spec. Raises `Rejected`, `AnswerLost`.

    `before` is what it holds as far as known.
    """
    target, section = writer.target, writer.section
    if before == spec:  # adopted, or found as it should be: there is nothing to write
        return ref
    rescore = before is None or before.points != spec.points
    try:
        await _update(writer, ref, spec, rescore=rescore)
    except AnswerLost:
        live = await target.assignment(section, ref)
        if live is None:
            raise Rejected(Reason.ASSIGNMENT_GONE) from None
        if live.spec is None or live.slot != spec.slot or replace(live.spec, name=spec.name) != spec:
            await _update(writer, ref, spec, rescore=rescore)
    return ref


async def _update(writer: AssignmentWriter, ref: Ref, spec: Spec, *, rescore: bool) -> None:
    """Update an assignment; a refused access concerns it alone where the acting teacher is still the same."""
    target, section = writer.target, writer.section
    try:
        await target.update_assignment(section, ref, spec, rescore=rescore)
    except AccessRefused as refused:
        if not writer.teacher_stands:
            again = await target.resolve_section(section.ref.key, writer.teacher)
            writer.teacher_stands = again.ref.value == section.ref.value
        if not writer.teacher_stands:
            raise
        raise Rejected(refused.reason, refused.detail) from refused


async def _create(writer: AssignmentWriter, assignment_id: str, spec: Spec) -> Ref:
    """Create an assignment, at most one of it, whatever becomes of the answers.

    Raises `Rejected`, and `AnswerLost` where it is not known whether the SIS holds it now.
    """
    lost = False
    for _ in range(2):
        sent = monotonic()
        try:
            made = await writer.target.create_assignment(writer.section, spec, assignment_id)
        except AnswerLost:
            lost = True
            ref = await _find_twice(writer, spec, sent)
        except Rejected as refused:
            ref = None
            if lost or refused.conflict:
                # Where an earlier answer was lost, what is refused may be our own create that came late.
                ref = await _find(writer, spec, lost=lost)
            if ref is None:
                raise
        else:
            ref = made.ref or await _find(writer, spec, lost=True)
            if ref is None:
                break
        if ref is not None:
            return ref
    raise AnswerLost(f"the SIS does not show whether assignment {assignment_id} was created")


async def _find_twice(writer: AssignmentWriter, spec: Spec, sent: float) -> Ref | None:
    """Find a create whose answer was lost: now, or when it can no longer be on its way."""
    if ref := await _find(writer, spec, lost=True):
        return ref
    await sleep(max(0.0, sent + writer.call_timeout - monotonic()))
    return await _find(writer, spec, lost=True)


async def _find(writer: AssignmentWriter, spec: Spec, *, lost: bool) -> Ref | None:
    """Find the unbound assignment of that name and due date which is ours to take, if the SIS lists one."""
    listed = await writer.target.assignments(writer.section)
    free = [live for live in listed if not live.shared and live.ref.key not in writer.bound]
    for live in free:
        if live.slot == spec.slot and (live.ours or lost or writer.take_over):
            return live.ref
    new = (live for live in free if lost and live.ref.key not in writer.listed and live.due == spec.due)
    return next((live.ref for live in new if is_cut(live.name, spec.name)), None)


async def _look_at_written(writer: AssignmentWriter) -> None:
    """Read from one list what responses leave out: parts of refs, and names as they are stored (R50)."""
    target, journal = writer.target, writer.journal
    lacking = [item for item, ref in writer.refs.items() if not target.is_complete(ref)]
    if not lacking and not writer.named:
        return
    listed = {live.ref.key: live for live in await target.assignments(writer.section)}
    for assignment_id in lacking:
        live = listed.get(writer.refs[assignment_id].key)
        ref = live.ref if live else await _ask(writer, writer.refs.pop(assignment_id))
        if ref is not None:
            writer.refs[assignment_id] = ref
            journal.keep(replace(journal.entry(assignment_id), ref=ref))
    for assignment_id in writer.named & writer.refs.keys():
        entry, live = journal.entry(assignment_id), listed.get(writer.refs[assignment_id].key)
        if live is not None and entry.spec is not None:
            journal.keep(replace(entry, shown="" if live.name == entry.spec.name else live.name))


async def _ask(writer: AssignmentWriter, ref: Ref) -> Ref | None:
    live = await writer.target.assignment(writer.section, ref)
    return live.ref if live else None


async def read_back_rescaled(writer: AssignmentWriter, plan: Plan) -> Plan:
    """Drop the writes of scores that the SIS holds already after their total points changed.

    The SIS may have rescaled them, or kept them. Where it cannot be read, the writes stay.
    """
    return replace(
        plan,
        assignments=tuple(
            [await _read_back(writer, item) if _rescaled(item) else item for item in plan.assignments]
        ),
    )


def _rescaled(item: AssignmentPlan) -> bool:
    before, spec = item.before, item.spec
    changed = item.action in {Action.UPDATE, Action.ADOPT} and spec is not None and before != spec
    return changed and spec is not None and (before is None or before.points != spec.points)


async def _read_back(writer: AssignmentWriter, item: AssignmentPlan) -> AssignmentPlan:
    ref = writer.refs.get(item.id)
    if ref is None or not item.writes:
        return item
    live = await writer.target.scores(writer.section, ref)
    if live is None:
        return item
    present = [
        write for write in item.writes if holds(live.get(write.sis_student), write.value, write.before)
    ]
    students = {write.student for write in present}
    writer.journal.done += len(present)
    return item._replace(
        writes=tuple(write for write in item.writes if write.student not in students),
        settled=item.settled + tuple(map(_adopted, present)),
    )


def _adopted(write: ScoreWrite) -> ScoreOutcome:
    return ScoreOutcome(
        write.student,
        Result.ADOPTED,
        warnings=write.warnings,
        before=write.before,
        after=write.value,
        sis_student=write.sis_student,
    )
