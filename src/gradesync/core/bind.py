"""Finds which SIS assignment each assignment of the source is (R19, R20, R29).

By the ledger; else by an own create whose answer was lost; else by name and due date.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gradesync.core.gradebook import in_order
from gradesync.core.ledger import Ledger, LedgerAssignment
from gradesync.core.rules import Verdict
from gradesync.core.sis import LiveAssignment, LiveGradebook, Policy, Ref, Slot, Spec


class Binding(NamedTuple):
    """Where an assignment that syncs stands in the SIS.

    `ref` is None where it is to be created. `live` is its entry in the SIS's list, None where it has none.
    `adopted`: the ledger does not know it there yet. `gone`: it was deleted in the SIS.
    `clash`: another assignment of the SIS has the name and due date that this one wants, and keeps them.
    `twin`: a second one of ours, equal in both, stands beside it.
    """

    spec: Spec
    ref: Ref | None = None
    live: LiveAssignment | None = None
    adopted: bool = False
    gone: bool = False
    clash: bool = False
    twin: bool = False

    @property
    def settled(self) -> bool:
        """Whether the SIS shows the assignment as it should be."""
        return self.live is not None and self.live.spec == self.spec

    def in_doubt(self, entry: LedgerAssignment) -> bool:
        """Whether some of the scores that the ledger holds may not be what the SIS holds."""
        looks = any(doubt.looks for doubt in entry.doubtful.values())
        return looks or (self.settled and self.rescaled(entry))

    def rescaled(self, entry: LedgerAssignment) -> bool:
        """Whether total points are others than when the ledger's scores were sent."""
        return entry.spec is not None and entry.spec.points != self.spec.points


def bind(
    verdicts: Mapping[str, Verdict], ledger: Ledger, live: LiveGradebook, policy: Policy
) -> dict[str, Binding]:
    """Bind every assignment that syncs, by assignment id."""
    places = _Places.of(_specs(verdicts), ledger, live, policy)
    homeless = [a for a in places.specs if _home(ledger.get(a), live.gone) is None]
    adopted: dict[str, LiveAssignment | None] = {}
    for assignment_id in homeless:  # own creates first: nobody else may take what they left behind
        intent = ledger[assignment_id].intent if assignment_id in ledger else None
        adopted[assignment_id] = places.claim(assignment_id, intent.slot, own=True) if intent else None
    for assignment_id in homeless:
        adopted[assignment_id] = adopted[assignment_id] or places.claim(
            assignment_id, places.specs[assignment_id].slot
        )
    return {a: places.binding(a, ledger.get(a), live.gone, adopted.get(a)) for a in places.specs}


def missing(
    verdicts: Mapping[str, Verdict], ledger: Ledger, live: LiveGradebook
) -> tuple[tuple[str, Ref], ...]:
    """Refs of assignments that sync and that the SIS's list lacks, to be asked for by id (R20)."""
    listed = {item.ref.key for item in live.assignments}
    homes = (
        (assignment_id, _home(ledger.get(assignment_id), live.gone)) for assignment_id in _specs(verdicts)
    )
    return tuple((a, ref) for a, ref in homes if ref is not None and ref.key not in listed)


def needs_scores(bindings: Mapping[str, Binding], ledger: Ledger, *, full: bool) -> tuple[Ref, ...]:
    """The SIS assignments whose scores a plan wants to see: all (`full`), or those that are in doubt."""
    return tuple(
        binding.ref
        for assignment_id, binding in bindings.items()
        if binding.ref and (full or binding.adopted or binding.in_doubt(ledger[assignment_id]))
    )


def _specs(verdicts: Mapping[str, Verdict]) -> dict[str, Spec]:
    """The specs of the assignments that sync, in the order of their ids."""
    ids = sorted(verdicts, key=in_order)
    return {a: spec for a in ids if (spec := verdicts[a].spec)}


def _home(entry: LedgerAssignment | None, gone: frozenset[str]) -> Ref | None:
    """Where the ledger knows an assignment to stand."""
    ref = entry.ref if entry else None
    return None if ref is None or ref.key in gone else ref


@dataclass(frozen=True, slots=True)
class _Places:
    """What the SIS lists, and which assignment of the source holds what of it (`holders`, by ref key)."""

    specs: Mapping[str, Spec]
    by_key: Mapping[str, LiveAssignment]
    by_slot: Mapping[Slot, Sequence[LiveAssignment]]
    holders: dict[str, str]
    take_over: bool

    @classmethod
    def of(cls, specs: Mapping[str, Spec], ledger: Ledger, live: LiveGradebook, policy: Policy) -> "_Places":
        by_slot: dict[Slot, list[LiveAssignment]] = {}
        for item in sorted(live.assignments, key=lambda item: (not item.ours, in_order(item.ref.key))):
            by_slot.setdefault(item.slot, []).append(item)
        by_key = {item.ref.key: item for item in live.assignments}
        holders = {entry.ref.key: a for a, entry in ledger.items() if entry.ref}
        return cls(specs, by_key, by_slot, holders, policy.take_over)

    def claim(self, assignment_id: str, slot: Slot, *, own: bool = False) -> LiveAssignment | None:
        """Take what stands at a name and due date, if it is free and ours to take."""
        for item in self.by_slot.get(slot, ()):
            free = item.ref.key not in self.holders and not item.shared
            if free and (own or item.ours or self.take_over):
                self.holders[item.ref.key] = assignment_id
                return item
        return None

    def binding(
        self,
        assignment_id: str,
        entry: LedgerAssignment | None,
        gone: frozenset[str],
        adopted: LiveAssignment | None,
    ) -> Binding:
        spec, home = self.specs[assignment_id], _home(entry, gone)
        live = adopted or (self.by_key.get(home.key) if home else None)
        others = [item for item in self.by_slot.get(spec.slot, ()) if item is not live]
        return Binding(
            spec,
            ref=live.ref if live else home,
            live=live,
            adopted=adopted is not None,
            gone=home is None and entry is not None and entry.ref is not None,
            clash=any(self._stays(item) for item in others),
            twin=live is not None and live.slot == spec.slot and any(self._is_loose(item) for item in others),
        )

    def _stays(self, item: LiveAssignment) -> bool:
        """Whether an assignment of the SIS is to keep its name and due date."""
        spec = self.specs.get(self.holders.get(item.ref.key, ""))
        return spec is None or spec.slot == item.slot

    def _is_loose(self, item: LiveAssignment) -> bool:
        """Whether an assignment of the SIS is ours and nothing is bound to it."""
        return item.ours and item.ref.key not in self.holders
