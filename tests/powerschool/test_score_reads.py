"""Test reading scores back from PowerTeacher Pro, to the last page, or unreadable."""

import json
from decimal import Decimal

import pytest

from gradesync.core.reasons import Reason
from gradesync_sandbox.faults import Body
from harness.errors import expect_stop
from harness.powerschool_target import Classroom


async def test_R6_a_cleared_score_reads_back_as_none(room: Classroom) -> None:
    section, live = await room.one()
    ann, ben, _ = room.students
    await room.target().write_scores(section, [room.row(live, s, Decimal("7.50")) for s in (ann, ben)])
    await room.target().write_scores(section, [room.row(live, ann, None)])
    assert await room.target().scores(section, live.ref) == {
        str(ann.dcid): None,
        str(ben.dcid): Decimal("7.5"),
    }


async def test_scores_of_more_than_a_page_are_read_to_the_end(room: Classroom) -> None:
    room.sis.switches.page_cap = 2
    section, live = await room.one()
    rows = [room.row(live, student, Decimal(4)) for student in room.students]
    await room.target().write_scores(section, rows)
    scores = await room.target().scores(section, live.ref)
    assert scores == {str(student.dcid): Decimal(4) for student in room.students}


async def test_letters_and_texts_in_cells_are_no_points(room: Classroom) -> None:
    section, live = await room.one()
    cells = [
        {"studentsdcid": "1", "scorepoints": "9.500000", "actualscoreentered": "9.5"},
        {"studentsdcid": "2", "actualscoreentered": "8"},
        {"studentsdcid": "3", "actualscoreentered": "B+"},
        {"studentsdcid": "4", "scorepoints": "NaN"},
        {"scorepoints": "1"},
    ]
    record = [{"id": n, "tables": {"assignmentscore": cell}} for n, cell in enumerate(cells)]
    strange: list[object] = [7, {"tables": 3}, {"tables": {"other": {}}}]
    room.order("schema.assignmentscore", Body(json.dumps({"record": [*record, *strange]})))
    assert await room.target().scores(section, live.ref) == {
        "1": Decimal("9.5"),
        "2": Decimal(8),
        "3": None,
        "4": None,
    }


async def test_refused_score_reads_are_unreadable_and_remembered(room: Classroom) -> None:
    section, live = await room.one()
    room.sis.plugin.deny("assignmentscore", "scorepoints")
    assert await room.target().scores(section, live.ref) is None
    assert await room.target().scores(section, live.ref) is None
    assert room.kinds() == ["schema.assignmentscore"]


@pytest.mark.parametrize("response", ["<html>", "[]", "{}", '{"record":'])
async def test_garbled_scores_are_unreadable_once(room: Classroom, response: str) -> None:
    section, live = await room.one()
    room.order("schema.assignmentscore", Body(response))
    assert await room.target().scores(section, live.ref) is None
    assert await room.target().scores(section, live.ref) == {}


async def test_pages_without_end_are_given_up(room: Classroom) -> None:
    section, live = await room.one()
    record = [{"id": n, "tables": {"assignmentscore": {"studentsdcid": str(n)}}} for n in range(100)]
    room.order("schema.assignmentscore", Body(json.dumps({"record": record})), times=None)
    with expect_stop(Reason.UPSTREAM_ANSWER_UNEXPECTED):
        await room.target().scores(section, live.ref)
