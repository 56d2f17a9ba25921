"""Create and change assignments in the SIS, whatever becomes of the answers."""

from asyncio import sleep
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from gradesync.core.ledger import LedgerAssignment
from gradesync.core.ordering import AssignmentWrite
from gradesync.core.ports import Target
from gradesync.core.reasons import Reason
from gradesync.core.sis import LiveAssignment, Ref, SisSection, Slot, Spec, is_cut
from gradesync.errors import AccessRefused, AnswerLost, Rejected, Retriable, SyncStopped, TermMoved
from gradesync.sync.journal import Journal


@dataclass(slots=True)
class AssignmentWriter:
    """Hold where assignments are written to, and what is known of that section.

    `teacher`: the one that the district chose. `bound`: keys of SIS assignments that belong to a Schoology
    assignment. `listed`: keys of those that stood there before. `sent`: creates and changes, each with its
    entry while it was under way. `before`: entries as they were before that, by assignment id.
    `ledger`: all of the section's entries as they were then, also those of what this sync leaves out.
    `teacher_stands`: the SIS named the acting teacher again; `term_stands`: the days of the term were read in
    this sync. `refs`: assignment id -> where its scores go; one without takes no scores in this sync.
    `sending`: assignment id -> name and due date of those under way, and of those whose end nobody knows.
    """

    target: Target
    section: SisSection
    journal: Journal
    call_timeout: float
    take_over: bool
    teacher: str | None
    bound: set[str]
    listed: frozenset[str] = frozenset()
    sent: list[tuple[AssignmentWrite, LedgerAssignment]] = field(default_factory=list)
    before: Mapping[str, LedgerAssignment] = field(default_factory=dict)
    teacher_stands: bool = False
    term_stands: bool = False
    refs: dict[str, Ref] = field(default_factory=dict)
    sending: dict[str, Slot] = field(default_factory=dict)
    ledger: Collection[LedgerAssignment] = ()


async def send_assignment(writer: AssignmentWriter, write: AssignmentWrite) -> Ref | Rejected:
    """Write one assignment; return where it stands, or the refusal where the SIS does not take it."""
    item, spec = write.item, write.spec
    writer.sending[item.id] = spec.slot
    end: Ref | Rejected
    try:
        if item.ref is None:
            end = await _create(writer, item.id, spec)
            writer.bound.add(end.key)
        else:
            end = await change_assignment(writer, item.ref, item.before, spec)
    except Rejected as refused:
        end = refused
    except AnswerLost as lost:
        return Rejected(Reason.UPSTREAM_UNAVAILABLE, lost.detail)
    del writer.sending[item.id]
    return end


async def change_assignment(writer: AssignmentWriter, ref: Ref, before: Spec | None, spec: Spec) -> Ref:
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
        if live.spec is None or live.slot != spec.slot or live.spec._replace(name=spec.name) != spec:
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


async def require_same_term(writer: AssignmentWriter, spec: Spec, refused: Rejected) -> None:
    """Read the days of the term again, once a sync, after a refusal: it may be about a due date.

    Its words do not decide: they may quote a title (R42). Raises `TermMoved` where the due date is outside
    of the term by now. A term that nobody can read explains nothing.
    """
    if writer.term_stands:
        return
    writer.term_stands = True
    with suppress(Retriable, SyncStopped):
        again = await writer.target.resolve_section(writer.section.ref.key, writer.teacher)
        if not again.term_first <= spec.due <= again.term_last:
            raise TermMoved("the due date is outside of the term by now") from refused


async def _create(writer: AssignmentWriter, assignment_id: str, spec: Spec) -> Ref:
    """Create an assignment, at most one of it, whatever becomes of the answers.

    Raises `Rejected`, and `AnswerLost` where it is not known whether the SIS holds it now.
    """
    lost, held = False, _list_held(writer, assignment_id)
    for _ in range(2):
        try:
            made = await writer.target.create_assignment(writer.section, spec, assignment_id, held)
        except AnswerLost:
            lost = True
            ref = await _find_twice(writer, assignment_id, spec)
        except Rejected as refused:
            ref = None
            if lost or refused.conflict:
                # Where an earlier answer was lost, what is refused may be our own create that came late.
                ref = await _find(writer, assignment_id, spec, lost=lost)
            if ref is None:
                raise
        else:
            ref = made.ref
            # An answer that names what stood here before names nothing that this call made.
            if ref is None or ref.key in writer.listed | writer.bound:
                ref = await _find(writer, assignment_id, spec, lost=True)
            if ref is None:
                break
        if ref is not None:
            return ref
    raise AnswerLost(f"the SIS does not show whether assignment {assignment_id} was created")


def _list_held(writer: AssignmentWriter, assignment_id: str) -> frozenset[str]:
    """Return the keys of other assignments' columns: one that was passed on took its key with it."""
    others = (entry for entry in writer.ledger if entry.id != assignment_id)
    refs = (ref for entry in others for ref in (entry.ref, entry.former))
    return frozenset(ref.key for ref in refs if ref is not None)


async def _find_twice(writer: AssignmentWriter, assignment_id: str, spec: Spec) -> Ref | None:
    """Find a create whose answer was lost: now, or when it can no longer be on its way."""
    lands = monotonic() + writer.call_timeout
    with suppress(Retriable, SyncStopped):  # nothing may end the sync before
        if ref := await _find(writer, assignment_id, spec, lost=True):
            return ref
    await sleep(max(0.0, lands - monotonic()))
    return await _find(writer, assignment_id, spec, lost=True)


async def _find(writer: AssignmentWriter, assignment_id: str, spec: Spec, *, lost: bool) -> Ref | None:
    """Find the unbound assignment of that name and due date which is ours to take, if the SIS lists one."""
    listed = await writer.target.assignments(writer.section)
    # What another assignment under way may have made is not ours to take.
    others = [slot for sent_id, slot in writer.sending.items() if sent_id != assignment_id]
    free = [
        live
        for live in listed
        if not live.shared and live.ref.key not in writer.bound and live.slot not in others
    ]
    for live in free:
        if live.slot == spec.slot and (live.ours or lost or writer.take_over):
            return live.ref
    new = [
        live for live in free if lost and live.ref.key not in writer.listed and _is_cut_of(live, spec.slot)
    ]
    return next((live.ref for live in new if not any(_is_cut_of(live, slot) for slot in others)), None)


def find_made(
    writer: AssignmentWriter,
    write: AssignmentWrite,
    named: LiveAssignment | None,
    listed: Iterable[LiveAssignment],
) -> LiveAssignment | None:
    """Return the SIS assignment that a create made; None where that is not certain.

    `named` is the one that the answer named: believed if it has our name, else if it is of ours and no other
    new one has our name.
    """
    slot = write.spec.slot
    if named is not None and _has_name(named, slot):
        return named
    others = {ref.key for item, ref in writer.refs.items() if item != write.item.id}
    new = (live for live in listed if live.ref.key not in writer.listed | others and not live.shared)
    found = next((live for live in new if live.slot == slot or _is_cut_of(live, slot)), None)
    return found or (named if named is not None and named.ours else None)


def _has_name(live: LiveAssignment, slot: Slot) -> bool:
    """Return True where the SIS shows the name that was sent, or its beginning."""
    return live.slot[0] == slot[0] or is_cut(live.name, slot[0])


def _is_cut_of(live: LiveAssignment, slot: Slot) -> bool:
    """Return True where the SIS may have cut a name that was sent to the one that it shows."""
    name, due = slot
    return live.due == due and is_cut(live.name, name)
