"""Name the kinds of steps of a simulated school year."""

from collections.abc import Callable
from typing import NamedTuple

from harness.year_school import SchoolYear

Act = Callable[[SchoolYear, int, int], None]


class Step(NamedTuple):
    """Name a kind of step. `act` takes two numbers that choose whom it concerns; it may find nobody.

    `rules` are the numbers of the rules that it tries most. `several`: it concerns the other classes too.
    """

    name: str
    rules: str
    act: Act
    several: bool = False
