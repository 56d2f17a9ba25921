"""Compare two states of a district's settings, as its file names them. Secrets are not compared."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from gradesync.core.district import District
from gradesync.core.district_export import export_district


class Difference(NamedTuple):
    """Describe one setting that differs, such as policy.runs; None: it is not set there."""

    setting: str
    filed: str | None
    in_force: str | None


def find_differences(filed: District, in_force: District) -> list[Difference]:
    """Return what differs between the settings of a file and those in force, in the order of the file."""
    theirs, ours = (
        dict(_flatten(tomllib.loads(export_district(one), parse_float=Decimal))) for one in (filed, in_force)
    )
    named = [*ours, *(name for name in theirs if name not in ours)]
    return [
        Difference(name, theirs.get(name), ours.get(name))
        for name in named
        if theirs.get(name) != ours.get(name)
    ]


def _flatten(tables: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tables.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{path}{name}.")
        elif value != []:  # an empty list is the same as none
            yield f"{path}{name}", _show(value)


def _show(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(map(_show, value))
    return str(value) if isinstance(value, Decimal) else json.dumps(value)
