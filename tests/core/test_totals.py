"""Test that the causes of differing totals are found, and that their worths add up."""

from fractions import Fraction
from itertools import combinations
from random import Random

import pytest

from gradesync.core.totals.causes import Cause, Explanation
from gradesync.core.totals.compare import explain_total
from gradesync.core.totals.sides import SisFormula
from harness.total_pairs import PLANTS, UID, Drawn, add_up, draw_odd, plant

PLANTED = [(cause,) for cause in PLANTS] + list(combinations(PLANTS, 2))


def explain(pair: Drawn) -> Explanation:
    return explain_total(pair.sides(), UID, SisFormula.CATEGORY_WEIGHTS)


def differs(pair: Drawn) -> bool:
    return add_up(pair, sis=False) != add_up(pair, sis=True)


def is_decisive(seed: int, causes: tuple[Cause, ...]) -> bool:
    """Return True where each planted cause makes a difference by itself."""
    alone = [tuple(cause if cause is each else None for each in causes) for cause in causes]
    return all(differs(plant(seed, each)) for each in alone)


@pytest.mark.parametrize("pairs", [400, pytest.param(10_000, marks=pytest.mark.long)])
def test_planted_causes_are_named_exactly(pairs: int) -> None:
    """Check one or two planted causes against totals that are computed in another way."""
    found, seed = 0, 0
    while found < pairs:
        seed += 1
        causes = PLANTED[seed % len(PLANTED)]
        if not is_decisive(seed, causes):
            continue
        found += 1
        pair = plant(seed, causes)
        explained = explain(pair)
        assert {share.cause for share in explained.shares} == set(causes), (seed, causes)
        assert explained.source == add_up(pair, sis=False), (seed, causes)
        assert explained.sis == add_up(pair, sis=True), (seed, causes)
        worths = sum((share.worth or Fraction(0) for share in explained.shares), Fraction(0))
        assert worths == explained.difference, (seed, causes)


def test_equal_totals_have_no_causes() -> None:
    for seed in range(200):
        explained = explain(plant(seed, ()))
        assert explained.difference == 0
        assert not explained.shares


def test_odd_gradebooks_are_added_up_as_documented() -> None:
    for seed in range(200):
        pair = draw_odd(Random(seed))
        explained = explain(pair)
        assert (explained.source, explained.sis) == (add_up(pair, sis=False), add_up(pair, sis=True)), seed
        worths = sum((share.worth or Fraction(0) for share in explained.shares), Fraction(0))
        assert explained.difference in {None, worths}, seed
        assert {share.cause for share in explained.shares} <= {Cause.CALCULATION, Cause.CATEGORY_ROUNDING}
