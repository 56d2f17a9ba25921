"""Hold one measured figure. Machines are noisy: what is compared is measured in turns, as pairs."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Measure:
    """Hold a name, a result and its limit: None where a figure is for information.

    `least`: the result must not be below the bound, rather than not above it.
    """

    what: str
    target: float | None
    result: float
    least: bool = False

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.result >= self.target if self.least else self.result <= self.target

    @property
    def shown(self) -> str:
        """Render the result with four digits: more than a machine repeats."""
        return f"{self.result:,.4g}" if self.result < 1000 else f"{self.result:,.0f}"

    @property
    def bound(self) -> str:
        return "" if self.target is None else f"{'≥' if self.least else '≤'} {self.target:,.10g}"


def ratio(pairs: Iterable[tuple[float, float]]) -> float:
    """Return the median of the first by the second, pair by pair."""
    return median(one / other for one, other in pairs)
