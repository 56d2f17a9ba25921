"""Hold the writes of one assignment in little memory: a first sync has one for each score of a section."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import overload

from gradesync.core.plan import ScoreWrite


@lru_cache(maxsize=4)
def _share(ids: tuple[str, ...]) -> tuple[str, ...]:
    """Return one object for equal ones: most assignments of a section have a score of each student."""
    return ids


class PackedWrites(Sequence[ScoreWrite]):
    """Hold writes by column. One that has a value and nothing else has no object until it is looked at."""

    __slots__ = ("_keys", "_others", "_students", "_values")

    def __init__(self, writes: Sequence[ScoreWrite]) -> None:
        self._students = _share(tuple(write.student for write in writes))
        self._keys = _share(tuple(write.sis_student for write in writes))
        self._values = tuple(write.value for write in writes)
        plain = map(ScoreWrite, self._students, self._keys, self._values)
        pairs = enumerate(zip(writes, plain, strict=True))
        self._others = {place: write for place, (write, bare) in pairs if write != bare}

    def __len__(self) -> int:
        return len(self._students)

    def __iter__(self) -> Iterator[ScoreWrite]:
        plain = map(ScoreWrite, self._students, self._keys, self._values)
        if not self._others:
            return plain
        return (self._others.get(place, write) for place, write in enumerate(plain))

    @overload
    def __getitem__(self, index: int) -> ScoreWrite: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ScoreWrite]: ...
    def __getitem__(self, index: int | slice) -> ScoreWrite | Sequence[ScoreWrite]:
        return list(self)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash((self._students, self._keys, self._values))
