"""Check the page of cases: every case names a test that exists, and each rule of a school year has a case."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from project.test_rulebook import QUOTED, RULES, find_missing

PAGE = Path(__file__).parents[2] / "docs" / "cases.md"
ROW = re.compile(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \| ([^|]*?) ?\| ([^|]+) \|$", re.MULTILINE)
FIRST = "R37"  # the rules from here on came from what went wrong elsewhere


class Case(NamedTuple):
    """Hold one row of the page."""

    title: str
    rules: tuple[str, ...]
    tests: tuple[str, ...]


HEADING, *CASES = (
    Case(title, tuple(re.findall(r"R\d+a?", rules)), tuple(QUOTED.findall(tests)))
    for title, rules, tests in ROW.findall(PAGE.read_text())
)


def test_every_row_of_the_page_is_a_case() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    assert HEADING.title == "Case"
    assert len(CASES) == len(rows) - 1
    assert len({case.title for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_case_names_tests_that_exist(case: Case) -> None:
    assert case.tests
    assert find_missing(case.tests) == []


@pytest.mark.parametrize("case", [case for case in CASES if case.rules], ids=lambda case: case.title)
def test_a_case_names_a_test_of_its_first_rule(case: Case) -> None:
    named = {part for test in case.tests for part in test.partition("::")[2].split("_")}
    assert case.rules[0] in named


def test_every_rule_of_a_school_year_has_a_case() -> None:
    numbers = [rule.number for rule in RULES]
    assert set(numbers[numbers.index(FIRST) :]) <= {rule for case in CASES for rule in case.rules}
