"""Test that docs/upstream.md and the simulators name the same sections, switches and methods."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from gradesync_sandbox.oneroster.state import Switches as RosterSwitches
from gradesync_sandbox.powerschool.gradebook import Gradebook
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.switches import ScoreFaultKind
from gradesync_sandbox.powerschool.switches import Switches as SisSwitches
from gradesync_sandbox.schoology.state import Schoology
from gradesync_sandbox.schoology.switches import Switches as SchoologySwitches

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/upstream.md").read_text()
SECTIONS = set(re.findall(r"^### (\w+ §[\d.]*\d)", PAGE, re.MULTILINE))
CITATION = re.compile(r"upstream\.md (?P<system>Schoology|PowerSchool|LTI)(( and|,| to)? ?§\d[\d.]*)+")


def cited() -> Iterator[tuple[str, str]]:
    """Yield file and section of every citation of the page."""
    for folder in ("src", "tests"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for found in CITATION.finditer(file.read_text()):
                numbers = re.findall(r"§(\d+(?:\.\d+)?)", found[0])
                yield from ((file.name, f"{found['system']} §{number}") for number in numbers)


def test_every_citation_leads_to_a_section() -> None:
    found = set(cited())
    assert len(found) > 30
    assert {(file, section) for file, section in found if section not in SECTIONS} == set()


@pytest.mark.parametrize(
    ("system", "owners", "switches"),
    [
        ("Schoology", (Schoology,), SchoologySwitches),
        ("PowerSchool", (PowerSchool, Gradebook), SisSwitches),
    ],
)
def test_named_switches_and_methods_exist(system: str, owners: tuple[type, ...], switches: type) -> None:
    (part,) = re.findall(rf"^## {system} .*?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"switch `(\w+)`", part))
    assert named
    assert named <= {field.name for field in fields(switches)}
    rows = [row for row in part.splitlines() if re.match(r"\| \d\.\d ", row)]
    methods = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[-2])}
    assert len(methods) > 10
    assert {name for name in methods if not any(hasattr(owner, name) for owner in owners)} == set()


@pytest.mark.parametrize(
    ("system", "switches"),
    [("Schoology", SchoologySwitches), ("PowerSchool", SisSwitches), ("OneRoster", RosterSwitches)],
)
def test_the_page_names_every_switch(system: str, switches: type) -> None:
    (part,) = re.findall(rf"^## {system} .*?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert {field.name for field in fields(switches) if f"`{field.name}`" not in part} == set()


def test_every_row_of_switches_has_a_tag() -> None:
    rows = re.findall(r"^\| switch `(\w+)` \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == PAGE.count("| switch `")
    untagged = {name for name, tag in rows if not re.search(r"\*(documented|observed|claimed|guess)\*", tag)}
    assert untagged == {"clock_skew", "latency"}  # conditions of a test, and no behavior of a system


def test_the_page_describes_every_score_fault() -> None:
    described = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert described == set(ScoreFaultKind.__args__)  # type: ignore[attr-defined]  # a Literal has them
