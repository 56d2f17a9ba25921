"""Many links and many pairs at once: every row is answered, and a bad one keeps no other from being done."""

import csv
import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest

from gradesync.api import rows
from gradesync_sandbox.district import Classroom
from gradesync_sandbox.faults import Fault, Status
from installed import Door, Place, problem

CSV = {"content-type": "text/csv"}
LINKS, PAIRS, TITLES = "/sections/import", "/categories/import", "/categories/titles"


def sheet(*lines: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


async def send(office: Door, path: str, wanted: Any) -> list[tuple[str, str | None]]:
    """Import rows; answers (result, code) of each."""
    answer = await office.post(path, {"rows": wanted})
    return told(answer)


def told(answer: httpx.Response) -> list[tuple[str, str | None]]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    found = body["rows"]
    assert [row["row"] for row in found] == list(range(1, len(found) + 1))
    assert sum(body[count] for count in ("done", "failed", "not_attempted")) == len(found)
    assert all(row["detail"] for row in found if row["result"] != "done")
    return [(row["result"], row["code"]) for row in found]


def section(room: Classroom) -> str:
    return str(room.section.id)


async def test_rows_that_can_be_linked_are_and_the_others_say_why(place: Place) -> None:
    office = await place.office()
    first, second = place.world.classrooms
    assert place.world.manual is not None
    wanted = [
        {"section": section(first), "sis_section": str(second.sis.dcid)},
        {"section": section(second), "sis_section": str(second.sis.dcid)},
        {"section": section(second), "sis_section": "999999"},
        {"section": "x"},
        {"section": section(second), "sis_section": 7},
        {"section": str(place.world.manual.id)},
        {"section": section(second), "sis_section": str(first.sis.dcid), "teacher": "999999"},
        {"section": section(second), "sis_section": str(first.sis.dcid), "title": "no"},
        "nothing",
        {"section": section(second), "sis_section": str(first.sis.dcid)},
    ]
    assert await send(office, LINKS, wanted) == [
        ("done", None),
        ("failed", "sis-section-taken"),
        ("failed", "sis-section-not-found"),
        ("failed", "request-not-valid"),
        ("failed", "request-not-valid"),
        ("failed", "section-not-from-sis"),
        ("failed", "teacher-not-in-sis-section"),
        ("failed", "request-not-valid"),
        ("failed", "request-not-valid"),
        ("done", None),
    ]
    links = {one["id"]: one for one in (await office.get("/sections")).json()["items"]}
    assert links[section(first)]["sis_section"]["id"] == str(second.sis.dcid)
    assert links[section(second)]["sis_section"]["id"] == str(first.sis.dcid)
    assert all(one["chosen"] for one in links.values())
    actions = [entry["action"] for entry in (await office.get("/audit")).json()["items"]]
    assert actions.count("section.linked") == 2


async def test_a_row_of_broken_text_is_answered_like_any_other(place: Place) -> None:
    content = rb'{"rows": [{"section": "\ud800", "\ud800": "\u0000"}, 7]}'
    for path in (LINKS, PAIRS):
        answer = await (await place.office()).ask("POST", path, content=content)
        assert told(answer) == [("failed", "request-not-valid")] * 2


async def test_links_come_as_a_spreadsheet_too(place: Place) -> None:
    office = await place.office()
    first, second = place.world.classrooms
    body = sheet(
        ["section", "sis_section", "teacher"],
        [section(first), f" {first.sis.dcid} ", str(first.sis_teacher.dcid)],
        [section(second), "", ""],
        [section(second), "1", "2", "3"],
    )
    answer = await office.ask("POST", LINKS, content=body, headers=CSV)
    assert told(answer) == [("done", None), ("done", None), ("failed", "request-not-valid")]
    links = {one["id"]: one for one in (await office.get("/sections")).json()["items"]}
    assert (links[section(first)]["chosen"], links[section(second)]["chosen"]) == (True, False)
    assert links[section(first)]["teacher"] == str(first.sis_teacher.dcid)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'{"rows": {}}', "application/json"),
        (b'{"rows": []}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"section\r\n", "text/csv"),
        (b"section\r\n\xff\r\n", "text/csv"),
        (b'section\r\n"1"2\r\n', "text/csv"),
        (b"section\r\n" + b"1\r\n" * 2001, "text/csv"),
    ],
)
@pytest.mark.parametrize("path", [LINKS, PAIRS])
async def test_a_body_without_rows_is_refused_whole(
    place: Place, path: str, content: bytes, kind: str
) -> None:
    answer = await (await place.office()).ask("POST", path, content=content, headers={"content-type": kind})
    problem(answer, 422, "rows-not-readable")


async def test_a_system_that_is_silent_fails_its_rows_alone(place: Place) -> None:
    office = await place.office()
    first, second = place.world.classrooms
    later = Status(429, headers={"retry-after": "300"})
    place.sandbox.faults.add(Fault("schoology", "section", later, times=None))
    wanted = [{"section": section(first)}, {"section": section(second), "sis_section": str(second.sis.dcid)}]
    (silent, code), done = await send(office, LINKS, wanted)
    assert (silent, code) == ("failed", "upstream-unavailable")
    assert done == ("done", None)


async def test_rows_for_which_there_is_no_time_are_told_so(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await place.office()
    monkeypatch.setattr(rows, "PATIENCE", timedelta(0))
    late = ("not-attempted", "not-attempted")
    assert await send(office, LINKS, [{"section": place.section}]) == [late]
    pair = {"section": place.section, "category": "a", "sis_category": "b"}
    assert await send(office, PAIRS, [pair, {"section": "x"}]) == [late, ("failed", "request-not-valid")]
    answer = await office.post(f"{place.path}/categories/copy", {"sections": ["7999999999"]})
    assert [one["result"] for one in answer.json()["sections"]] == ["not-attempted"]


async def mapping(office: Door, room: Classroom) -> dict[str, tuple[str | None, bool]]:
    """Title of a category -> the title of its SIS category, and whether the pair was chosen."""
    answer = await office.get(f"/sections/{section(room)}/categories")
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    return {
        item["title"]: ((item["sis_category"] or {"title": None})["title"], item["chosen"]) for item in items
    }


def other(titles: dict[str, tuple[str | None, bool]]) -> tuple[str, str]:
    """A category that pairs with none, and the SIS title of one that is paired."""
    unpaired = next(title for title, (sis, _) in titles.items() if sis is None)
    return unpaired, next(sis for sis, _ in titles.values() if sis)


async def test_pairs_are_set_in_many_sections_by_id_or_by_title(place: Place) -> None:
    office = await place.office()
    await place.choose(many_to_one=True)
    rooms = place.world.classrooms
    before = [await mapping(office, room) for room in rooms]
    ours, theirs = other(before[0])
    shown = (await office.get(f"/sections/{section(rooms[1])}/categories")).json()
    by_id = {item["title"]: item["id"] for item in shown["items"]}[ours]
    sis_id = {one["title"]: one["id"] for one in shown["sis_categories"]}[theirs]
    wanted = [
        {"section": section(rooms[0]), "category": ours.upper(), "sis_category": f" {theirs} "},
        {"section": section(rooms[0]), "category": "No such", "sis_category": theirs},
        {"section": section(rooms[1]), "category": by_id, "sis_category": sis_id},
        {"section": "7999999999", "category": ours, "sis_category": theirs},
        {"section": section(rooms[1]), "category": ours},
    ]
    assert await send(office, PAIRS, wanted) == [
        ("done", None),
        ("failed", "pair-not-possible"),
        ("done", None),
        ("failed", "section-not-found"),
        ("failed", "request-not-valid"),
    ]
    for room in rooms:
        assert (await mapping(office, room))[ours] == (theirs, True)


async def test_imported_pairs_stand_beside_chosen_ones(place: Place) -> None:
    office = await place.office()
    await place.choose(many_to_one=True)
    titles = await mapping(office, place.room)
    ours, theirs = other(titles)
    paired = next(title for title, (sis, _) in titles.items() if sis)
    for name in (ours, paired):
        row = {"section": place.section, "category": name, "sis_category": theirs}
        assert await send(office, PAIRS, [row]) == [("done", None)]
    after = await mapping(office, place.room)
    assert (after[ours], after[paired]) == ((theirs, True), (theirs, True))


async def test_one_pair_too_many_fails_alone(place: Place) -> None:
    office = await place.office()
    ours, theirs = other(await mapping(office, place.room))
    another = next(title for title, (sis, _) in (await mapping(office, place.room)).items() if sis)
    wanted = [
        {"section": place.section, "category": ours, "sis_category": theirs},
        {"section": place.section, "category": another, "sis_category": theirs},
    ]
    assert await send(office, PAIRS, wanted) == [("done", None), ("failed", "pair-not-possible")]
    assert (await mapping(office, place.room))[ours] == (theirs, True)


async def test_title_rules_pair_in_every_section_and_let_go_again(place: Place) -> None:
    office = await place.office()
    await place.choose(many_to_one=True)
    rooms = place.world.classrooms
    await place.synced(office, section(rooms[0]))
    before = [await mapping(office, room) for room in rooms]
    ours, theirs = other(before[0])
    paired = next(title for title, (sis, _) in before[0].items() if sis and sis != theirs)
    rules = [{"title": f" {ours} ", "sis_title": theirs.lower()}, {"title": paired, "sis_title": theirs}]
    answer = await office.ask("PUT", TITLES, json={"rules": rules})
    assert answer.status_code == 200, answer.text
    assert (await office.get(TITLES)).json() == answer.json()
    for room in rooms:
        mapped = await mapping(office, room)
        assert (mapped[ours], mapped[paired]) == ((theirs, False), (theirs, False))
    await place.synced(office, section(rooms[0]))
    await office.ask("PUT", TITLES, json={"rules": []})
    await place.synced(office, section(rooms[0]))
    assert [await mapping(office, room) for room in rooms] == before
    actions = [entry["action"] for entry in (await office.get("/audit")).json()["items"]]
    assert actions.count("category-titles.set") == 2


async def test_two_categories_that_a_rule_sends_to_one_are_told_why_they_have_no_pair(place: Place) -> None:
    office = await place.office()
    ours, theirs = other(await mapping(office, place.room))
    rule = {"title": ours, "sis_title": theirs}
    await office.ask("PUT", TITLES, json={"rules": [rule]})
    items = (await office.get(f"{place.path}/categories")).json()["items"]
    told = {item["title"]: item["problem"] and item["problem"]["code"] for item in items}
    same = next(title for title in told if title.strip().casefold() == theirs.strip().casefold())
    assert (told[ours], told[same]) == ("category-taken", "category-taken")
    await place.synced(office)
    assignments = (await office.get(f"{place.path}/assignments")).json()["items"]
    held = {
        one["problem"]["code"] for one in assignments if one["category"] and one["category"]["title"] == same
    }
    assert held == {"category-taken"}


async def test_title_rules_outlive_the_districts_file(place: Place) -> None:
    office = await place.office()
    rules = {"rules": [{"title": "HW", "sis_title": "Homework"}]}
    await office.ask("PUT", TITLES, json=rules)
    await place.become(place.district)
    await place.choose(take_over=True)
    assert (await office.get(TITLES)).json() == rules


async def test_a_chosen_pair_is_stronger_than_a_title_rule(place: Place) -> None:
    office = await place.office()
    await place.choose(many_to_one=True)
    ours, theirs = other(await mapping(office, place.room))
    row = {"section": place.section, "category": ours, "sis_category": theirs}
    await send(office, PAIRS, [row])
    elsewhere = next(sis for sis, _ in (await mapping(office, place.room)).values() if sis and sis != theirs)
    await office.ask("PUT", TITLES, json={"rules": [{"title": ours, "sis_title": elsewhere}]})
    assert (await mapping(office, place.room))[ours] == (theirs, True)


async def test_one_sections_mapping_is_given_to_others(place: Place) -> None:
    office = await place.office()
    await place.choose(many_to_one=True)
    first, second = place.world.classrooms
    ours, theirs = other(await mapping(office, first))
    await send(office, PAIRS, [{"section": section(first), "category": ours, "sis_category": theirs}])
    before = await mapping(office, second)
    path = f"/sections/{section(first)}/categories/copy"
    answer = await office.post(path, {"sections": [section(second), "7999999999"]})
    assert answer.status_code == 200, answer.text
    done, missing = answer.json()["sections"]
    assert (done["section"], done["result"], done["left_out"]) == (section(second), "done", [])
    assert (missing["result"], missing["code"], missing["pairs"]) == ("failed", "section-not-found", 0)
    after = await mapping(office, second)
    assert after[ours] == (theirs, True)
    assert {title: sis for title, (sis, _) in after.items() if title != ours} == {
        title: sis for title, (sis, _) in before.items() if title != ours
    }


async def test_a_category_that_a_section_lacks_is_left_out_and_told(place: Place) -> None:
    office = await place.office()
    first, second = place.world.classrooms
    gone = next(title for title, (sis, _) in (await mapping(office, first)).items() if sis)
    lacking = next(one for one in second.section.categories.values() if one.title == gone)
    lacking.title = "Another title"
    path = f"/sections/{section(first)}/categories/copy"
    (done,) = (await office.post(path, {"sections": [section(second)]})).json()["sections"]
    assert done["result"] == "done"
    assert done["left_out"] == [gone.strip().casefold()]
