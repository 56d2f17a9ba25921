"""Find which SIS assignment each assignment of the source is, and decide what to do with it (R19, R20, R29).

An assignment is found by the ledger; else by an own create whose answer was lost; else by name and due date.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from gradesync.core.ledger import Ledger, LedgerAssignment
from gradesync.core.plan import Action, changes
from gradesync.core.reasons import Reason
from gradesync.core.rules import Verdict
from gradesync.core.sis import (
    LiveAssignment,
    LiveGradebook,
    Policy,
    Ref,
    Slot,
    Spec,
    fold_case,
    id_order,
    is_cut,
    name_as_sent,
)


class Binding(NamedTuple):
    """Link an assignment that syncs to its assignment in the SIS.

    `ref` is None where it is to be created. `live` is its entry in the SIS's list, None where it has none.
    `adopted`: the ledger does not know it there yet. `gone`: it was deleted in the SIS.
    `clash`: another assignment of the SIS has the name and due date that this one wants, and keeps them.
    `holder` names the assignment of another section to which that one belongs.
    `twin`: a second one of ours, equal in both, stands beside it.
    """

    spec: Spec
    ref: Ref | None = None
    live: LiveAssignment | None = None
    adopted: bool = False
    gone: bool = False
    clash: bool = False
    holder: str = ""
    twin: bool = False

    @property
    def settled(self) -> bool:
        """Return True if the SIS shows the assignment as it should be."""
        return self.live is not None and self.live.spec == self.spec

    @property
    def takes_points(self) -> bool:
        """Return False where the SIS shows that the assignment holds no points (R46)."""
        return self.live is None or self.live.takes_points

    @property
    def locked(self) -> bool:
        """Return True where the SIS shows that it takes no changes."""
        return self.live is not None and self.live.locked

    def in_doubt(self, entry: LedgerAssignment) -> bool:
        """Return True if scores in the ledger may differ from what the SIS holds."""
        looks = any(doubt.looks for doubt in entry.doubtful.values())
        return looks or (self.settled and self.rescaled(entry))

    def rescaled(self, entry: LedgerAssignment) -> bool:
        """Return True if total points or the score type have changed since the ledger's scores were sent."""
        points_changed = entry.spec is not None and entry.spec.points != self.spec.points
        return points_changed or entry.problem == Reason.SIS_SCORE_TYPE


# What the rules and the SIS's list come to, by assignment id.
Judged: TypeAlias = tuple[Mapping[str, Verdict], Mapping[str, Binding]]


class AssignmentDecision(NamedTuple):
    """Describe what to do with one assignment, and the `reason` where it fails.

    `before` is what the SIS holds as far as known. `edited`: someone changed the assignment in the SIS.
    """

    action: Action
    before: Spec | None = None
    reason: Reason | None = None
    edited: bool = False


def bind(
    verdicts: Mapping[str, Verdict], ledger: Ledger, live: LiveGradebook, policy: Policy
) -> dict[str, Binding]:
    """Bind every assignment that syncs, by assignment id."""
    index = _LiveIndex.of(_specs(verdicts), ledger, live, policy)
    unbound = [a for a in index.specs if _known_ref(ledger.get(a), live.gone) is None]
    adopted: dict[str, LiveAssignment | None] = {}
    for assignment_id in unbound:  # own creates first: nobody else may take what they left behind
        entry = ledger.get(assignment_id)
        intent = entry.intent if entry is not None and entry.ref is None else None  # of a create
        adopted[assignment_id] = index.claim(assignment_id, intent, own=True) if intent else None
    for a in unbound:
        adopted[a] = adopted[a] or index.claim(a, index.specs[a])
    for a, found in index.list_alike([a for a in unbound if adopted[a] is None]):
        adopted[a] = index.claim_first(a, found)
    return {a: index.bind(a, ledger.get(a), live.gone, adopted.get(a)) for a in index.specs}


def find_unlisted(
    verdicts: Mapping[str, Verdict], ledger: Ledger, live: LiveGradebook
) -> tuple[tuple[str, Ref], ...]:
    """Return (assignment id, ref) of what syncs and the SIS's list lacks, to be asked for by id (R20)."""
    listed = {item.ref.key for item in live.assignments}
    known = ((a, _known_ref(ledger.get(a), live.gone)) for a in _specs(verdicts))
    return tuple((a, ref) for a, ref in known if ref is not None and ref.key not in listed)


def select_score_reads(
    bindings: Mapping[str, Binding], ledger: Ledger, *, full: bool, changing: Set[str] = frozenset()
) -> tuple[Ref, ...]:
    """Return the SIS assignments whose scores a plan needs: all (`full`), or those that are in doubt.

    `changing` are those that are compared before a score of theirs is sent.
    """
    return tuple(
        binding.ref
        for assignment_id, binding in bindings.items()
        if binding.ref
        and binding.takes_points
        and (full or binding.adopted or assignment_id in changing or binding.in_doubt(ledger[assignment_id]))
    )


def decide_assignment(binding: Binding, entry: LedgerAssignment, *, full: bool) -> AssignmentDecision:
    """Decide what to do with one assignment that syncs.

    Compares its spec, what was last sent and what the SIS lists. `full`: put right what someone changed in
    the SIS.
    """
    if binding.ref is None:
        return _decide_new(binding)
    if not binding.takes_points:
        return AssignmentDecision(Action.FAIL, reason=Reason.SIS_SCORE_TYPE)
    decision = _decide_bound(binding, entry, full=full)
    if entry.taken_from is not None:
        decision = decision._replace(action=Action.ADOPT)
    if changes(decision.action, decision.before, binding.spec) and (refusal := _find_refusal(binding)):
        return decision._replace(action=Action.FAIL, reason=refusal)
    return decision


def _decide_new(binding: Binding) -> AssignmentDecision:
    if binding.clash:
        reason = Reason.SIS_ASSIGNMENT_TAKEN if binding.holder else Reason.DUPLICATE_NAME
        return AssignmentDecision(Action.FAIL, reason=reason)
    return AssignmentDecision(Action.RECREATE if binding.gone else Action.CREATE)


def _decide_bound(binding: Binding, entry: LedgerAssignment, *, full: bool) -> AssignmentDecision:
    desired, last, shown = binding.spec, entry.spec, binding.live.spec if binding.live else None
    if binding.adopted:
        return AssignmentDecision(Action.ADOPT, shown)
    if None not in (shown, entry.shown) and shown == entry.intent:
        shown = last  # the form in which the SIS keeps it (R50)
    if shown == desired:
        return AssignmentDecision(Action.KEEP if last == desired else Action.ADOPT, shown)
    lost = shown is not None and shown != last and _is_intended(shown, entry.intent)
    edited = None not in (shown, last) and shown != last and not lost
    if last != desired or lost or (edited and full and _find_refusal(binding) is None):
        return AssignmentDecision(Action.UPDATE, shown or last, edited=edited)
    return AssignmentDecision(Action.KEEP, last, edited=edited)


def _is_intended(shown: Spec, intent: Spec | None) -> bool:
    """Return True where the SIS shows what a change of ours may have left, perhaps by a cut name (R51)."""
    if intent is None or shown._replace(name=intent.name) != intent:
        return False
    return shown.slot == intent.slot or is_cut(shown.name, intent.name)


def _find_refusal(binding: Binding) -> Reason | None:
    """Return the reason why the SIS would refuse to change an assignment to its spec, if it would."""
    live = binding.live
    if live is None:
        return None
    refusals = (
        (live.shared, Reason.SIS_ASSIGNMENT_SHARED),
        (live.locked, Reason.TERM_LOCKED),
        (binding.clash and live.slot != binding.spec.slot, Reason.DUPLICATE_NAME),
    )
    return next((reason for applies, reason in refusals if applies), None)


def _specs(verdicts: Mapping[str, Verdict]) -> dict[str, Spec]:
    """Return the specs of the assignments that sync, in the order of their ids."""
    ids = sorted(verdicts, key=id_order)
    return {a: spec for a in ids if (spec := verdicts[a].spec)}


def read_as_sent(live: LiveAssignment, entry: LedgerAssignment | None, spec: Spec) -> LiveAssignment:
    """Return what the SIS shows, by the name that was sent where it holds that in a form of its own (R50)."""
    last = entry.spec or entry.intent if entry else None
    name = name_as_sent(live.name, last.name if last else None, entry.shown if entry else None, spec.name)
    if name == live.name:
        return live
    return live._replace(name=name, spec=live.spec._replace(name=name) if live.spec else None)


def _known_ref(entry: LedgerAssignment | None, gone: frozenset[str]) -> Ref | None:
    """Return the ref by which the ledger knows an assignment, unless it is gone."""
    ref = entry.ref if entry else None
    return None if ref is None or ref.key in gone else ref


@dataclass(frozen=True, slots=True)
class _LiveIndex:
    """Index the SIS's list by key and by name and due date.

    `holders` maps a ref key to the assignment of the source that holds it, `held` to that of another section.
    """

    specs: Mapping[str, Spec]
    by_key: Mapping[str, LiveAssignment]
    by_slot: Mapping[Slot, Sequence[LiveAssignment]]
    holders: dict[str, str]
    held: Mapping[str, str]
    take_over: bool

    @classmethod
    def of(
        cls, specs: Mapping[str, Spec], ledger: Ledger, live: LiveGradebook, policy: Policy
    ) -> "_LiveIndex":
        by_slot: dict[Slot, list[LiveAssignment]] = {}
        by_key = {}
        for item in sorted(live.assignments, key=lambda item: (not item.ours, id_order(item.ref.key))):
            by_slot.setdefault(item.slot, []).append(item)
            by_key[item.ref.key] = item
        holders = {entry.ref.key: a for a, entry in ledger.items() if entry.ref}
        return cls(specs, by_key, by_slot, holders, live.held, policy.take_over)

    def claim(self, assignment_id: str, spec: Spec, *, own: bool = False) -> LiveAssignment | None:
        """Claim the SIS assignment of a name and due date, if it is free and ours to take.

        `own`: a create of ours, whose name the SIS may have cut.
        """
        found = [item for item in self.by_slot.get(spec.slot, ()) if own or item.ours or self.take_over]
        return self.claim_first(assignment_id, found + self._find_cut(spec) if own else found)

    def claim_first(self, assignment_id: str, found: Iterable[LiveAssignment]) -> LiveAssignment | None:
        """Claim the first SIS assignment of some that is free."""
        for item in found:
            if item.ref.key not in self.holders and item.ref.key not in self.held and not item.shared:
                self.holders[item.ref.key] = assignment_id
                return item
        return None

    def list_alike(self, ids: Sequence[str]) -> Iterator[tuple[str, list[LiveAssignment]]]:
        """List what is ours to take by a name that differs in letter case alone, by assignment id."""
        # A SIS to which both are one name would refuse to create the assignment.
        alike: dict[Slot, list[LiveAssignment]] = {}
        for item in self.by_key.values() if ids else ():
            if item.ours or self.take_over:
                alike.setdefault(fold_case(item.slot), []).append(item)
        yield from ((a, alike.get(fold_case(self.specs[a].slot), [])) for a in ids)

    def _find_cut(self, spec: Spec) -> list[LiveAssignment]:
        """Return the assignments of ours by the beginning of a name."""
        same_day = (item for item in self.by_key.values() if item.ours and item.due == spec.due)
        return [item for item in same_day if is_cut(item.name, spec.name)]

    def bind(
        self,
        assignment_id: str,
        entry: LedgerAssignment | None,
        gone: frozenset[str],
        adopted: LiveAssignment | None,
    ) -> Binding:
        spec, known = self.specs[assignment_id], _known_ref(entry, gone)
        live = adopted or (self.by_key.get(known.key) if known else None)
        rivals = [item for item in self.by_slot.get(spec.slot, ()) if item is not live]
        return Binding(
            spec,
            ref=live.ref if live else known,
            live=live and read_as_sent(live, entry, spec),
            adopted=adopted is not None,
            gone=known is None and entry is not None and entry.ref is not None,
            clash=any(map(self._keeps_slot, rivals)),
            holder="" if live or known else next(filter(None, map(self._find_holder, rivals)), ""),
            twin=live is not None and any(map(self._is_unclaimed, rivals)) and live.slot == spec.slot,
        )

    def _keeps_slot(self, item: LiveAssignment) -> bool:
        """Return True if an assignment of the SIS is to keep its name and due date."""
        spec = self.specs.get(self.holders.get(item.ref.key, ""))
        return spec is None or spec.slot == item.slot

    def _find_holder(self, item: LiveAssignment) -> str:
        return self.held.get(item.ref.key, "")

    def _is_unclaimed(self, item: LiveAssignment) -> bool:
        """Return True if an assignment of the SIS is ours and nothing is bound to it."""
        return item.ours and item.ref.key not in self.holders
