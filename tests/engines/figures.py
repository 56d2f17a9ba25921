"""Hold what a part of the drill measured."""

from dataclasses import dataclass

from engines.load import Load

HEADINGS = ("", "gap (s)", "syncs", "last after (s)", "answers", "writes", "lost", "broken")


@dataclass(frozen=True)
class Figures:
    """Hold one line of the table. `broken` are sentences, one for each broken promise.

    `gap`: the longest time in which nothing was acknowledged. `late`: how long after it the last sync was
    settled that had been requested before its end.
    """

    what: str
    gap: float
    late: float
    load: Load
    broken: tuple[str, ...]
    writes: int = 0
    lost: int = 0

    @property
    def row(self) -> tuple[str, ...]:
        answers = ", ".join(f"{number} x {kind}" for kind, number in sorted(self.load.answers.items()))
        numbers = f"{self.gap:.1f}", f"{len(self.load.done)}", f"{self.late:.1f}"
        return self.what, *numbers, answers, f"{self.writes}", f"{self.lost}", f"{len(self.broken)}"
