"""Puts the assignments of a plan into the SIS, one by one, and records every second what is done.

What a crash leaves unrecorded is found in the SIS's list: by its intent, or because it is as it should be.
"""

from asyncio import sleep
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import monotonic

from gradesync.core.ledger import Doubtful, LedgerAssignment
from gradesync.core.ordering import TemporaryName, Turn, in_order_of_writes
from gradesync.core.plan import Action, AssignmentPlan, Plan, Result
from gradesync.core.reasons import Reason
from gradesync.core.sis import LiveAssignment, Ref, SisSection, Slot, Spec
from gradesync.errors import AnswerLost, Rejected
from gradesync.sync.journal import Journal
from gradesync.sync.outcomes import RESULTS, assignment_outcome, stopped
from gradesync.sync.ports import Target

CREATES = frozenset({Action.CREATE, Action.RECREATE})


@dataclass(slots=True)
class AssignmentWriter:
    """Where assignments go, and what is known of the places there.

    `bound`: keys of SIS assignments that belong to a Schoology assignment. `refs`: assignment id -> where its
    scores go; an assignment without one takes no scores in this sync.
    """

    target: Target
    section: SisSection
    journal: Journal
    call_timeout: float
    take_over: bool
    bound: set[str]
    refs: dict[str, Ref] = field(default_factory=dict)


async def place(placing: AssignmentWriter, plan: Plan) -> None:
    """Create, update and adopt what the plan says; afterwards `placing.refs` tells where scores can go."""
    placing.refs.update(
        (item.id, item.ref) for item in plan.assignments if item.action is Action.KEEP and item.ref
    )
    await _announce(placing, plan)
    turns = in_order_of_writes(plan.assignments)
    aside = {one.item.id: one for one in turns.aside if await _step_aside(placing, one)}
    taken: set[Slot] = set()
    for turn in turns.order:
        if refused := await _attempt(placing, turn):
            left = aside.get(turn.item.id)
            if left is not None and left.before.slot not in taken:
                await _step_back(placing, left)
            await _fail(placing, turn.item, refused)
        else:
            taken.add(turn.spec.slot)
    await _complete(placing)


async def _announce(placing: AssignmentWriter, plan: Plan) -> None:
    """Keep an intent for every create, so that one whose answer is lost is known as ours when it is found."""
    journal, creates = placing.journal, [item for item in plan.assignments if item.action in CREATES]
    for item in creates:
        # A recreated assignment starts empty: what was sent to its predecessor is not there.
        entry = replace(journal.entry(item.id), sent={}, doubtful={}, read_through=None)
        journal.keep(replace(entry, ref=None, intent=item.spec))
    if creates:
        await journal.record("writing")


async def _step_aside(placing: AssignmentWriter, aside: TemporaryName) -> bool:
    """Leave a name to another of the circle. False where the SIS refuses that: their turns will say so."""
    journal, spec = placing.journal, aside.spec(placing.target.capabilities.name_max)
    entry = journal.entry(aside.item.id)
    # Recorded before: an assignment that is left with that name is known as ours, and put right.
    journal.keep(_placed(entry, aside.item, aside.ref, spec))
    await journal.record("writing")
    with suppress(AnswerLost):
        try:
            await _change(placing, aside.ref, aside.before, spec)
        except Rejected:
            journal.keep(entry)
            return False
    return True


async def _step_back(placing: AssignmentWriter, aside: TemporaryName) -> None:
    """Take up again the name that was left for nothing. Where that fails, the outcome says so."""
    journal, spec = placing.journal, aside.spec(placing.target.capabilities.name_max)
    with suppress(Rejected, AnswerLost):
        await _change(placing, aside.ref, spec, aside.before)
        journal.keep(replace(journal.entry(aside.item.id), spec=aside.before))


async def _attempt(placing: AssignmentWriter, turn: Turn) -> Rejected | None:
    """Put one assignment in its place and record it; the refusal where the SIS would not have it."""
    item, spec = turn
    try:
        ref = (
            await _create(placing, item.id, spec)
            if item.ref is None
            else await _change(placing, item.ref, item.before, spec)
        )
    except Rejected as refused:
        return refused
    except AnswerLost as lost:
        return Rejected(Reason.UPSTREAM_UNAVAILABLE, lost.detail)
    placing.refs[item.id] = ref
    placing.bound.add(ref.key)
    placing.journal.keep(_placed(placing.journal.entry(item.id), item, ref, spec))
    placing.journal.note(assignment_outcome(item, RESULTS[item.action], item.reason))
    placing.journal.done += 1
    await placing.journal.checkpoint("writing")
    return None


def _placed(entry: LedgerAssignment, item: AssignmentPlan, ref: Ref, spec: Spec) -> LedgerAssignment:
    placed = replace(entry, ref=ref, spec=spec, intent=None, may_hold=item.may_hold)
    if entry.spec is None or entry.spec.points == spec.points:
        return placed
    # The SIS may rescale what it holds: what was sent is not certain to be there.
    return replace(placed, doubtful={uid: Doubtful(value, 1) for uid, value in entry.sent.items()})


async def _fail(placing: AssignmentWriter, item: AssignmentPlan, refused: Rejected) -> None:
    placing.journal.note(stopped(placing.journal, item, Result.FAILED, refused.reason, refused.detail))
    placing.journal.done += 1
    await placing.journal.checkpoint("writing")


async def _change(placing: AssignmentWriter, ref: Ref, before: Spec | None, spec: Spec) -> Ref:
    """Make an assignment that the SIS holds equal to its spec. Raises `Rejected`, `AnswerLost`.

    `before` is what it holds as far as known.
    """
    target, section = placing.target, placing.section
    if before == spec:  # adopted, or found as it should be: there is nothing to write
        return ref
    rescore = before is None or before.points != spec.points
    try:
        await target.update_assignment(section, ref, spec, rescore=rescore)
    except AnswerLost:
        live = await target.assignment(section, ref)
        if live is None:
            raise Rejected(Reason.ASSIGNMENT_GONE) from None
        if live.spec != spec:
            await target.update_assignment(section, ref, spec, rescore=rescore)
    return ref


async def _create(placing: AssignmentWriter, assignment_id: str, spec: Spec) -> Ref:
    """Create an assignment, at most one of it, whatever becomes of the answers.

    Raises `Rejected`, and `AnswerLost` where it is not known whether the SIS holds it now.
    """
    lost = False
    for _ in range(2):
        sent = monotonic()
        try:
            made = await placing.target.create_assignment(placing.section, spec)
        except AnswerLost:
            lost = True
            found = await _look_twice(placing, spec, sent)
        except Rejected as refused:
            found = None
            if refused.reason == Reason.DUPLICATE_NAME:
                # Where an earlier answer was lost, the clash is our own create that came late.
                found = await _find(placing, spec, lost=lost)
            if found is None:
                raise
        else:
            found = made.ref or await _find(placing, spec, lost=True)
            if found is None:
                break
        if found is not None:
            return found
    raise AnswerLost(f"the SIS does not show whether assignment {assignment_id} was created")


async def _look_twice(placing: AssignmentWriter, spec: Spec, sent: float) -> Ref | None:
    """Look for a create whose answer was lost: now, and when it can no longer be on its way."""
    if found := await _find(placing, spec, lost=True):
        return found
    await sleep(max(0.0, sent + placing.call_timeout - monotonic()))
    return await _find(placing, spec, lost=True)


async def _find(placing: AssignmentWriter, spec: Spec, *, lost: bool) -> Ref | None:
    """The unbound assignment of that name and due date which is ours to take, if the SIS lists one."""
    for live in await placing.target.assignments(placing.section):
        if _fits(placing, live, spec) and (live.ours or lost or placing.take_over):
            return live.ref
    return None


def _fits(placing: AssignmentWriter, live: LiveAssignment, spec: Spec) -> bool:
    same = live.name == spec.name and live.due == spec.due
    return same and not live.shared and live.ref.key not in placing.bound


async def _complete(placing: AssignmentWriter) -> None:
    """Learn from one list what the answers to creates left out of the refs."""
    target, journal = placing.target, placing.journal
    lacking = [item for item, ref in placing.refs.items() if not target.is_complete(ref)]
    if not lacking:
        return
    listed = {live.ref.key: live.ref for live in await target.assignments(placing.section)}
    for assignment_id in lacking:
        key = placing.refs[assignment_id].key
        ref = listed.get(key) or await _ask(placing, placing.refs.pop(assignment_id))
        if ref is not None:
            placing.refs[assignment_id] = ref
            journal.keep(replace(journal.entry(assignment_id), ref=ref))


async def _ask(placing: AssignmentWriter, ref: Ref) -> Ref | None:
    live = await placing.target.assignment(placing.section, ref)
    return live.ref if live else None
