"""Take a picture of the SIS's gradebook, to see afterwards what a sync changed in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from gradesync_sandbox.district import World

SisCell = tuple[int, int]
"""Name a cell by ASSIGNMENTSECTIONID and STUDENTS.DCID."""


@dataclass(frozen=True)
class SisColumn:
    """Hold what the SIS shows of an assignment in one section. `category` is TEACHERCATEGORYID."""

    section: int
    name: str
    due: date
    points: Decimal
    category: int
    counts: bool
    scoretype: str
    locked: bool


@dataclass(frozen=True)
class Snapshot:
    """Hold all columns by ASSIGNMENTSECTIONID, and all cells that are not blank."""

    columns: Mapping[int, SisColumn]
    cells: Mapping[SisCell, Decimal]


def take_snapshot(world: World) -> Snapshot:
    gradebook = world.powerschool.gradebook
    columns = {
        key: SisColumn(
            part.sectionsdcid,
            part.name,
            part.duedate,
            part.scoreentrypoints,
            next((c.teachercategoryid for c in part.categories if c.isprimary), 0),
            part.iscountedinfinalgrade,
            part.scoretype,
            part.locked,
        )
        for key, (_, part) in gradebook.parts.items()
    }
    cells = {
        (key, dcid): score.scorepoints
        for key, rows in gradebook.scores.items()
        for dcid, score in rows.items()
        if score.scorepoints is not None
    }
    return Snapshot(columns, cells)
