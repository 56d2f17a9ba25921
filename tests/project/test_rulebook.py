"""Check the rulebook: every rule names a test that exists, and no other rule number is in use."""

import ast
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from gradesync.core.reasons import Reason
from targets.test_rules_over_oneroster import RULES as TRIED

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "rules.md"
RULEBOOK, _, ON_SERVERS = PAGE.read_text().partition("## On every OneRoster server")
TRIED_ROW = re.compile(r"^\| (R\d+a?) \| (.+?) \|$", re.MULTILINE)
EVERY_RULE = "test_every_rule_holds_on_every_sis"
CASES = (ROOT / "tests" / "targets" / "test_target_rules.py").read_text()
NO_SIS = {"R43"}  # of PowerSchool alone
ROW = re.compile(r"^\| (R\d+a?) \| (.+?) \| (.*?) ?\| (.*?) ?\|$", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")
SUFFIXES = {".py", ".sql", ".js", ".html", ".toml"}
CITED = re.compile(r"(?<![A-Za-z0-9])R\d+a?(?![A-Za-z0-9])")


class Rule(NamedTuple):
    """Hold one row of the rulebook."""

    number: str
    text: str
    reasons: tuple[str, ...]
    tests: tuple[str, ...]


def read_rules() -> list[Rule]:
    return [
        Rule(number, text, tuple(QUOTED.findall(reasons)), tuple(QUOTED.findall(tests)))
        for number, text, reasons, tests in ROW.findall(RULEBOOK)
    ]


RULES = read_rules()


@cache
def list_tests(path: str) -> frozenset[str]:
    """Return the names of the test functions of a file."""
    module = ast.parse((ROOT / path).read_text())
    functions = (
        node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return frozenset(function.name for function in functions)


def test_every_row_of_the_page_is_a_rule() -> None:
    rows = [line for line in RULEBOOK.splitlines() if line.startswith("| R") and "Rule" not in line]
    assert len(RULES) == len(rows)


def test_every_rule_has_its_own_number_in_order() -> None:
    numbers = [rule.number for rule in RULES]
    assert len(numbers) == len(set(numbers))
    whole = [number for number in numbers if not number.endswith("a")]
    assert whole == [f"R{number}" for number in range(1, len(whole) + 1)]


def find_missing(tests: Iterable[str]) -> list[str]:
    """Return those of the tests, named by path and function, that do not exist."""
    named = [(test, *test.split("::")) for test in tests]
    return [test for test, path, name in named if name not in list_tests(path)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.number)
def test_a_rule_names_tests_that_exist(rule: Rule) -> None:
    assert rule.tests
    assert find_missing(rule.tests) == []
    assert [test for test in rule.tests if rule.number not in test.partition("::")[2].split("_")] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.number)
def test_a_rule_names_reasons_that_exist(rule: Rule) -> None:
    assert set(rule.reasons) <= set(Reason)


def test_every_rule_is_tried_on_every_oneroster_server() -> None:
    rows = {number: QUOTED.findall(tests) for number, tests in TRIED_ROW.findall(ON_SERVERS)}
    assert list(rows) == [rule.number for rule in RULES]
    assert {number for number, tests in rows.items() if not tests} == NO_SIS
    names = {rule.__name__ for rule in TRIED}
    assert {test for tests in rows.values() for test in tests} == names | {EVERY_RULE}
    for number, tests in rows.items():
        cited = {test for test in tests if number in test.split("_")}
        by_case = {EVERY_RULE} if re.search(rf"\b{number}\b", CASES) else set()
        assert set(tests) == cited | by_case, number


@pytest.mark.parametrize("tree", ["src", "tests"])
def test_no_unknown_rule_number_is_cited(tree: str) -> None:
    known = {rule.number for rule in RULES}
    cited = {
        (number, str(path.relative_to(ROOT)))
        for path in (ROOT / tree).rglob("*")
        if path.suffix in SUFFIXES
        for number in CITED.findall(path.read_text())
    }
    assert {citation for citation in cited if citation[0] not in known} == set()
