"""Gathers all that is known of one assignment's scores, in the form in which they are planned."""

from collections.abc import Mapping, Set
from typing import NamedTuple

from gradesync.core.assignments import AssignmentDecision, changes
from gradesync.core.bind import Binding
from gradesync.core.gradebook import Cell
from gradesync.core.ledger import Doubtful, LedgerAssignment, Owed, Value, points_of
from gradesync.core.sis import LiveGradebook, LiveScores


class SentScores(NamedTuple):
    """The scores of an assignment's place in the SIS: what was sent there, and what is known of it.

    `held` is what the SIS holds, None where that was not read. `may_hold`: it may hold scores that were never
    sent.
    """

    sent: Mapping[str, Value]
    doubtful: Mapping[str, Doubtful]
    held: LiveScores | None
    may_hold: bool

    @classmethod
    def kept(cls, entry: LedgerAssignment) -> "SentScores":
        """The place of an assignment that does not go: as the ledger has it."""
        return cls(entry.sent, entry.doubtful, held=None, may_hold=entry.may_hold)

    @classmethod
    def of(
        cls, entry: LedgerAssignment, binding: Binding, decided: AssignmentDecision, live: LiveGradebook
    ) -> "SentScores":
        """The place of an assignment that goes. At a new place nothing was sent.

        A change of total points may rescale what the SIS holds: all that was sent becomes doubtful, and where
        the change is still to come, what was read of the SIS counts no more.
        """
        if binding.ref is None:
            return cls({}, {}, held=None, may_hold=False)
        before, spec = decided.before, binding.spec
        rescales = changes(decided.action, before, spec) and (before is None or before.points != spec.points)
        held = None if rescales else live.scores.get(binding.ref.key)
        if binding.adopted:
            return cls({}, {}, held, may_hold=True)
        doubtful = entry.doubtful
        if rescales or binding.rescaled(entry):
            doubtful = {**_in_doubt(entry.sent), **doubtful}
        return cls(entry.sent, doubtful, held, entry.may_hold)


class Column(NamedTuple):
    """All that is known of one assignment's scores, by student uid.

    `cells` and `unreadable` are what was read, `owed` is what the ledger keeps. `full`: put right what
    someone changed in the SIS.
    """

    cells: Mapping[str, Cell]
    unreadable: Set[str]
    owed: Mapping[str, Owed]
    place: SentScores
    full: bool

    @property
    def kept(self) -> dict[str, Cell]:
        """Scores to be planned that no answer carried, as the ledger has them: owed ones are the newest."""
        if not self.owed and not self.place.doubtful:
            return {}
        kept: dict[str, Cell] = {
            uid: doubt.value for uid, doubt in self.place.doubtful.items() if doubt.looks
        }
        kept.update((uid, owed.value) for uid, owed in self.owed.items())
        return {uid: value for uid, value in kept.items() if uid not in self.cells}

    def of(self, students: Set[str]) -> "Column":
        """The part of the column that belongs to some students."""
        doubtful = {uid: doubt for uid, doubt in self.place.doubtful.items() if uid in students}
        return self._replace(
            cells={uid: cell for uid, cell in self.cells.items() if uid in students},
            unreadable=self.unreadable & students,
            owed={uid: owed for uid, owed in self.owed.items() if uid in students},
            place=self.place._replace(doubtful=doubtful),
        )


def _in_doubt(sent: Mapping[str, Value]) -> dict[str, Doubtful]:
    """Sent scores as doubtful ones. A blank cannot be rescaled."""
    return {uid: Doubtful(value) for uid, value in sent.items() if points_of(value) is not None}
