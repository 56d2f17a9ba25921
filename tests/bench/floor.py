"""Measure a large first sync against its floor: the bare calls, typed decoding and encoding, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from time import process_time
from typing import Any

import msgspec

from bench.calls import Call
from bench.environment import request
from bench.whole_sync import DISTRICT, Bench
from gradesync.db import syncs

ROW_KEYS = (
    *("_assignmentsection", "studentsdcid"),
    *("actualscoreentered", "actualscorekind", "scoretype", "scorepoints"),
)
"""List the fields of the smallest row of scores that a live server is known to take (PowerSchool §4.4)."""


class Grade(msgspec.Struct, gc=False):
    """Hold the fields of one grade that a sync needs, as they come."""

    enrollment_id: int
    assignment_id: int
    grade: str | int | float | None = None
    exception: int = 0
    timestamp: int = 0


class Grades(msgspec.Struct):
    grade: list[Grade]


class GradesAnswer(msgspec.Struct):
    grades: Grades


_grades = msgspec.json.Decoder(GradesAnswer, strict=False)
_any = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Floor:
    """Hold processor seconds of the floor, and bytes written beside those of the smallest bodies."""

    cpu: float
    sent: int
    least: int


async def run_recorded(bench: Bench, index: int) -> tuple[float, Sequence[Call]]:
    """Run a first sync in this process, slice by slice; return its processor seconds and its calls."""
    section = bench.school.sections[index]
    sync = await request(bench.context, DISTRICT, section["id"], section["teacher_uid"])
    bench.recorder.calls = []
    spent = 0.0
    while True:
        spent += (await bench.run_one())[2]
        async with bench.context.database.district(DISTRICT) as db:
            found = await syncs.get(db, sync.id)
        assert found is not None
        if found.status != "processing":
            assert found.status == "complete", found.error_code
            return spent, bench.recorder.calls


async def measure_floor(bench: Bench, calls: Sequence[Call]) -> Floor:
    """Replay the calls, decode every answer, and encode every body once."""
    bodies = [_any.decode(call.request.content) for call in calls if call.request.content]
    _, replayed = await bench.replay(calls)
    began = process_time()
    for call in calls:
        _decode(call)
    for body in bodies:
        _encoder.encode(body)
    cpu = replayed + process_time() - began
    writes = [call.request.content for call in calls if call.kind == "sis write"]
    return Floor(cpu, sum(map(len, writes)), sum(map(_least, writes)))


def _decode(call: Call) -> Any:
    if call.request.url.path.endswith("/grades"):
        return _grades.decode(call.answer)
    return _any.decode(call.answer) if call.answer else None


def _least(content: bytes) -> int:
    """Return the bytes of the smallest body that writes the same scores."""
    rows = _any.decode(content)["assignment_scores"]
    return len(
        _encoder.encode(
            {"assignment_scores": [{key: row[key] for key in ROW_KEYS if key in row} for row in rows]}
        )
    )
