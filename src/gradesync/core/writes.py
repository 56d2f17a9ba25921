"""Describe scores to send, and hold those of one assignment in little memory: a first sync sends them all."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, overload

from gradesync.core.ledger import Value, points_of
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import Ref

# An enum's members are slow to look up by attribute, and every write of a first sync has one of these.
_CLEARED: Final = Result.CLEARED
_WRITTEN: Final = Result.WRITTEN


class ScoreWrite(NamedTuple):
    """Describe one score to send. `student` is the uid, `sis_student` the SIS's key for the same person.

    `before` is what was last sent, None also where nothing was; a mark that may stand instead comes first.
    `owed`: an earlier sync owed this very value. `edit` holds somebody's value in the SIS that it replaces,
    where it replaces one. `detail` explains a warning.
    """

    student: str
    sis_student: str
    value: Value
    before: Value = None
    warnings: tuple[Reason, ...] = ()
    owed: bool = False
    detail: str = ""
    edit: tuple[()] | tuple[Value] = ()

    @property
    def result(self) -> Result:
        """Return the result of the score once the SIS has accepted it."""
        return _CLEARED if points_of(self.value) is None else _WRITTEN


class ScoreRow(NamedTuple):
    """Hold one score of one assignment of the SIS, ready to send."""

    assignment_id: str
    ref: Ref
    write: ScoreWrite

    @property
    def pair(self) -> tuple[str, str]:
        """Return the key of the assignment's ref, and the SIS student."""
        return self.ref.key, self.write.sis_student


_PLAIN = ScoreWrite("", "", None)[3:]


@lru_cache(maxsize=4)
def _share(ids: tuple[str, ...]) -> tuple[str, ...]:
    """Return one object for equal ones: most assignments of a section have a score of each student."""
    return ids


class Writes(Sequence[ScoreWrite]):
    """Hold writes by column: `students`, `keys` of the SIS, and `values`.

    One that has no more than these has no object until it is looked at.
    """

    __slots__ = ("_detailed", "keys", "students", "values")

    def __init__(self, writes: Iterable[ScoreWrite] = ()) -> None:
        rows = tuple(writes)
        self.students = _share(tuple([write.student for write in rows]))
        self.keys = _share(tuple([write.sis_student for write in rows]))
        self.values = tuple([write.value for write in rows])
        self._detailed = {place: write for place, write in enumerate(rows) if write[3:] != _PLAIN}

    @property
    def detailed(self) -> Collection[ScoreWrite]:
        """Return those that have more than a value: a score before, a warning, a debt."""
        return self._detailed.values()

    def __len__(self) -> int:
        return len(self.students)

    def __iter__(self) -> Iterator[ScoreWrite]:
        plain = map(ScoreWrite, self.students, self.keys, self.values)
        if not self._detailed:
            return plain
        return (self._detailed.get(place, write) for place, write in enumerate(plain))

    @overload
    def __getitem__(self, index: int) -> ScoreWrite: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ScoreWrite]: ...
    def __getitem__(self, index: int | slice) -> ScoreWrite | Sequence[ScoreWrite]:
        return list(self)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash((self.students, self.keys, self.values))


NO_WRITES: Final = Writes()
