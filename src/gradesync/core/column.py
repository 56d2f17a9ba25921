"""Gathers all that is known of one assignment's scores, in the form in which they are planned."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

from gradesync.core.assignments import Move, changes
from gradesync.core.bind import Binding
from gradesync.core.gradebook import Cell
from gradesync.core.ledger import Doubtful, LedgerAssignment, Owed, Value, points_of
from gradesync.core.sis import LiveGradebook, LiveScores


@dataclass(frozen=True, slots=True)
class Column:
    """All that is known of one assignment's scores, by student uid.

    `cells` and `unreadable` are what was read; `sent`, `owed` and `doubtful` what the ledger keeps; `held`
    what the SIS holds, None where that was not read. `full` and `may_hold` are as `decide` takes them, the
    latter for scores that the teacher excused.
    """

    cells: Mapping[str, Cell]
    unreadable: Set[str] = frozenset()
    sent: Mapping[str, Value] = field(default_factory=dict)
    owed: Mapping[str, Owed] = field(default_factory=dict)
    doubtful: Mapping[str, Doubtful] = field(default_factory=dict)
    held: LiveScores | None = None
    full: bool = False
    may_hold: bool = False

    @property
    def kept(self) -> dict[str, Cell]:
        """Scores to be planned that no answer carried, as the ledger has them: owed ones are the newest."""
        kept: dict[str, Cell] = {uid: doubt.value for uid, doubt in self.doubtful.items()}
        kept.update((uid, owed.value) for uid, owed in self.owed.items())
        return {uid: value for uid, value in kept.items() if uid not in self.cells}

    def of(self, students: Set[str]) -> "Column":
        """The part of the column that belongs to some students."""
        return replace(
            self,
            cells={uid: cell for uid, cell in self.cells.items() if uid in students},
            unreadable=self.unreadable & students,
            owed={uid: owed for uid, owed in self.owed.items() if uid in students},
            doubtful={uid: doubt for uid, doubt in self.doubtful.items() if uid in students},
        )

    def at(self, binding: Binding, decided: Move, entry: LedgerAssignment, live: LiveGradebook) -> "Column":
        """The column as its assignment's place in the SIS makes it.

        At a new place nothing was sent. A change of total points may rescale what the SIS holds: all that was
        sent becomes doubtful, and where the change is still to come, what was read of the SIS counts no more.
        """
        if binding.ref is None:
            return replace(self, sent={}, doubtful={})
        before, spec = decided.before, binding.spec
        rescale = changes(decided.action, before, spec) and (before is None or before.points != spec.points)
        held = None if rescale else live.scores.get(binding.ref.key)
        if binding.adopted:
            return replace(self, sent={}, doubtful={}, held=held, may_hold=True)
        doubtful = self.doubtful
        if rescale or binding.rescaled(entry):
            sent = {uid: Doubtful(value) for uid, value in self.sent.items() if points_of(value) is not None}
            doubtful = sent | dict(doubtful)
        return replace(self, doubtful=doubtful, held=held, may_hold=entry.may_hold)
