"""Check that the lock holds the project's dependencies, and that this environment is the locked one."""

import re
import tomllib
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def asked_beside(folder: str) -> list[str]:
    """Return what runs beside the service, in an environment of its own."""
    lines = (ROOT / "tests" / folder / "requirements.in").read_text().splitlines()
    return [line.partition("#")[0].strip() for line in lines]


def locked(file: str) -> dict[str, str]:
    """Return package -> version, of a lock file."""
    pinned = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / file).read_text(), re.MULTILINE)
    return {canonicalize_name(name): number for name, number in pinned}


@pytest.mark.parametrize(
    ("file", "asked"),
    [
        ("requirements.lock", [*PROJECT["dependencies"], *chain.from_iterable(EXTRAS.values())]),
        ("deploy/requirements.lock", [*PROJECT["dependencies"], *EXTRAS["traces"]]),
        ("deploy/build.lock", ["hatchling"]),
        ("tests/engines/requirements.lock", asked_beside("engines")),
        ("tests/bench/requirements.lock", asked_beside("bench")),
    ],
)
def test_lock_satisfies_every_dependency(file: str, asked: list[str]) -> None:
    pinned = locked(file)
    wrong = [
        line
        for line in asked
        if pinned.get(canonicalize_name(Requirement(line).name), "") not in Requirement(line).specifier
    ]
    assert wrong == []


def test_environment_is_the_locked_one() -> None:
    pinned = locked("requirements.lock")
    names = [canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"] + EXTRAS["dev"]]
    assert {name: version(name) for name in names} == {name: pinned[name] for name in names}


def test_deployed_versions_are_the_tested_ones() -> None:
    tested = locked("requirements.lock")
    assert {name: tested.get(name) for name in locked("deploy/requirements.lock")} == locked(
        "deploy/requirements.lock"
    )
