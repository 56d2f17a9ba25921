"""Test reading scores back from PowerTeacher Pro, to the last page, or unreadable."""

import json
from decimal import Decimal
from itertools import count

import pytest

from gradesync.core.reasons import Reason
from gradesync_sandbox.faults import Body, Change, Fault
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


def cells_page(*students: int) -> str:
    """Return a page of ASSIGNMENTSCORE with a score of 1 for each student."""
    cells = [{"studentsdcid": str(student), "scorepoints": "1"} for student in students]
    return json.dumps({"record": [{"id": 1, "tables": {"assignmentscore": cell}} for cell in cells]})


async def test_pages_without_end_are_given_up(room: Classroom) -> None:
    section, live = await room.one()
    numbers = count(1)
    change = Change(lambda _: cells_page(next(numbers)).encode())
    room.faults.add(Fault("powerschool", "schema.assignmentscore", change, times=None))
    with expect_stop(Reason.UPSTREAM_ANSWER_UNEXPECTED):
        await room.target().scores(section, live.ref)


async def test_a_page_that_comes_again_is_the_last(room: Classroom) -> None:
    section, live = await room.one()
    room.order("schema.assignmentscore", Body(cells_page(1, 2)), times=2)
    assert await room.target().scores(section, live.ref) == {"1": Decimal(1), "2": Decimal(1)}


async def test_R49_pages_that_grow_are_read_again(room: Classroom) -> None:
    """Read pages of two rows, of which the second is served after an admin allowed four."""
    section, live = await room.one()
    for nth, page in enumerate(([1, 2], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8]), 1):
        room.order("schema.assignmentscore", Body(cells_page(*page)), nth=nth)
    scores = await room.target().scores(section, live.ref)
    assert scores is not None
    assert scores.keys() == set("12345678")
