"""Test bent score writes, name forms and quoting refusals (upstream.md PowerSchool §4.5, §3.2, §5.1)."""

from decimal import Decimal
from typing import Any

import pytest

from gradesync_sandbox.powerschool.switches import ScoreFault
from harness.powerschool_client import Assignment, District, Plugin, new_assignment, part, row

NFD_NAME = "E\u0301valuation 1"
TITLE = 'Lab: <wait> 20 s, "soon" & é'


def stored(district: District, made: Assignment) -> dict[int, tuple[str | None, Decimal | None]]:
    """Return the text and points of each student's cell."""
    cells = district.sis.gradebook.scores[part(made)["assignmentsectionid"]]
    return {dcid: (score.actualscoreentered, score.scorepoints) for dcid, score in cells.items()}


# --- score columns and score writes


@pytest.mark.parametrize(
    ("kind", "text", "points"),
    [("PERCENT", "9", Decimal("1.08")), ("GRADESCALE", "9", Decimal(9)), ("COLLECTED", None, None)],
)
async def test_columns_can_change_their_type(
    district: District, client: Plugin, kind: str, text: str | None, points: Decimal | None
) -> None:
    made, student = await client.created(), district.students[0]
    district.sis.gradebook.edit_assignment(
        district.sis.gradebook.parts[part(made)["assignmentsectionid"]][1], scoretype=kind
    )
    assert part((await client.get(made["assignmentid"])).json())["scoretype"] == kind
    assert (await client.score(row(made, student, "9"))).status_code == 200
    assert stored(district, made) == {student.dcid: (text, points)}
    district.sis.switches.wrong_score_type = "refuse"
    refused = await client.score(row(made, student, "8"))
    assert refused.status_code == 409
    assert stored(district, made) == {student.dcid: (text, points)}


def answered(response: Any) -> dict[int, float | None]:
    """Return the points of each row of the response."""
    return {r["studentsdcid"]: r.get("scorepoints") for r in response.json()["assignment_scores"]}


@pytest.mark.parametrize(
    ("kind", "shown", "kept"),
    [
        ("omit", None, None),
        ("forget", 12, None),
        ("mute", None, Decimal(12)),
        ("alter", 10, Decimal(10)),
        ("misreport", 10, Decimal(12)),
    ],
)
async def test_a_score_write_can_bend_one_row(
    district: District, client: Plugin, kind: Any, shown: float | None, kept: Decimal | None
) -> None:
    made, (first, second, _) = await client.created(), district.students
    fault = ScoreFault(kind, student=first.dcid, points=Decimal(10))
    district.sis.switches.score_faults = [fault]
    batch = row(made, first, "12"), row(made, second, "7")
    response = await client.score(*batch)
    expected = {second.dcid: 7} if shown is None else {first.dcid: shown, second.dcid: 7}
    assert answered(response) == expected
    assert stored(district, made).get(first.dcid, (None, None))[1] == kept
    assert stored(district, made)[second.dcid] == ("7", Decimal(7))
    assert district.sis.switches.score_faults == []
    assert answered(await client.score(*batch)) == {first.dcid: 12, second.dcid: 7}


async def test_a_score_write_can_answer_more_or_nothing(district: District, client: Plugin) -> None:
    made, (first, second, _) = await client.created(), district.students
    district.sis.switches.score_faults = [ScoreFault("extra", student=second.dcid)]
    assert answered(await client.score(row(made, first, "9"))) == {first.dcid: 9, second.dcid: 9}
    district.sis.switches.score_faults = [ScoreFault("empty")]
    response = await client.score(row(made, first, "8"))
    assert (response.status_code, response.content) == (200, b"")
    assert stored(district, made) == {first.dcid: ("8", Decimal(8))}


async def test_a_poisoned_row_breaks_each_batch_that_has_it(district: District, client: Plugin) -> None:
    made, (first, second, _) = await client.created(), district.students
    district.sis.switches.score_faults = [ScoreFault("poison", student=first.dcid, times=None)]
    for _ in range(2):
        broken = await client.score(row(made, second, "7"), row(made, first, "9"))
        assert broken.status_code == 500
        assert str(first.dcid) not in broken.text
    assert stored(district, made) == {}
    assert (await client.score(row(made, second, "7"))).status_code == 200


async def test_scores_above_the_total_can_be_cut(district: District, client: Plugin) -> None:
    made, student = await client.created(), district.students[0]
    district.sis.switches.above_total = "cap"
    assert answered(await client.score(row(made, student, "15"))) == {student.dcid: 12}
    assert stored(district, made) == {student.dcid: ("12", Decimal(12))}


# --- names and refusals


@pytest.mark.parametrize(
    ("forms", "sent", "kept"),
    [
        ({"trim"}, "  Quiz  1 ", "Quiz  1"),
        ({"collapse"}, " Quiz   1 ", " Quiz 1 "),
        ({"trim", "collapse"}, "  Quiz   1 ", "Quiz 1"),
        ({"nfc"}, NFD_NAME, "\u00c9valuation 1"),
        ({"cut"}, "Reflection on water", "Reflection"),
    ],
)
async def test_names_are_stored_in_another_form(
    district: District, client: Plugin, forms: set[Any], sent: str, kept: str
) -> None:
    district.sis.switches.name_form = forms
    district.sis.switches.name_cut = 10 if "cut" in forms else 50
    made = await client.created(name=sent)
    assert part(made)["name"] == kept
    assert (await client.create(name=sent)).status_code == 409
    later = new_assignment(district, name=sent, duedate="2026-10-01")
    assert (await client.put(made["assignmentid"], later)).status_code == 201
    assert part((await client.get(made["assignmentid"])).json())["name"] == kept


@pytest.mark.parametrize(
    ("quotes", "quoted"),
    [
        ("plain", TITLE),
        ("json", 'Lab: <wait> 20 s, \\"soon\\" & \\u00e9'),
        ("html", "Lab: &lt;wait&gt; 20 s, &quot;soon&quot; &amp; é"),
    ],
)
async def test_refusals_can_quote_what_was_sent(
    district: District, client: Plugin, quotes: Any, quoted: str
) -> None:
    district.sis.switches.refusal_quotes = quotes
    made = await client.created(name=TITLE)
    duplicate = await client.create(name=TITLE)
    assert duplicate.status_code == 409
    assert quoted in duplicate.json()["message"]
    stranger = district.sis.add_student(district.school)
    unenrolled = await client.score(row(made, stranger, "1"))
    assert quoted in unenrolled.json()["message"]
    district.sis.switches.invalid_status = 400
    outside = await client.create(name=TITLE, duedate="2027-06-01")
    assert outside.status_code == 400
    assert quoted in outside.json()["message"]
