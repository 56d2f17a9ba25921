"""Test what became of a gradebook in a sync: by assignment in numbers, and cell by cell."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from harness.api import ApiClient, ApiHarness, expect_problem
from harness.headlines import read_pages

KINDS = ("assignments", "scores")


async def read_gradebook(who: ApiClient, sync: dict[str, Any]) -> dict[str, Any]:
    (page,) = await read_pages(who, f"{sync['links']['self']}/gradebook", limit=200)
    return page


def count_letters(page: dict[str, Any]) -> Counter[str]:
    return Counter("".join(column["cells"] for column in page["items"]))


def column_of(page: dict[str, Any], title: str) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in page["items"] if c["assignment"]["title"].startswith(title))
    return found


async def test_R54_numbers_by_assignment_add_up_to_the_sync(api: ApiHarness) -> None:
    api.drop_student()
    office = await api.office()
    for sync in (
        await api.sync(office, dry_run=True),
        await api.sync(office),
        await api.sync(office, mode="full"),
    ):
        pages = await read_pages(office, f"{sync['links']['self']}/assignments", limit=3)
        items = [item for page in pages for item in page["items"]]
        assert len(pages) > 1
        for kind in KINDS:
            sums = sum((Counter(item[kind]) for item in items), Counter[str]())
            assert sums == Counter(sync[kind])
        assert sum(item["attention"] for item in items) >= sync["attention"]["scores"]
        listed = await read_pages(office, sync["links"]["outcomes"], limit=200)
        reasons = Counter(
            row["reason"]["code"]
            for page in listed
            for row in page["items"]
            if row["kind"] == "score" and row["reason"]
        )
        assert sum((Counter(item["reasons"]) for item in items), Counter[str]()) == reasons


async def test_an_assignment_shows_its_own_outcome(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    item = next(item for item in api.room.section.standing() if item.title.startswith("Homework 1:"))
    api.world.schoology.edit_assignment(api.room.section.id, item.id, max_points=Decimal("77.5"))
    sync = await api.sync(office, dry_run=True)
    (page,) = await read_pages(office, f"{sync['links']['self']}/assignments")
    (changed,) = [each for each in page["items"] if each["outcome"] and each["outcome"]["edits"]]
    sent = changed["outcome"]["edits"][0]["before"]
    assert changed["assignment"] == {"id": str(item.id), "title": item.title, "points": sent}
    assert changed["assignments"]["updated"] == 1
    assert changed["outcome"]["edits"][0]["after"] == "77.5"


async def test_outcomes_are_filtered_by_assignment(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office)
    (page,) = await read_pages(office, f"{sync['links']['self']}/assignments")
    for item in page["items"]:
        if item["assignment"] is not None:
            rows = await read_pages(
                office, sync["links"]["outcomes"], assignment=item["assignment"]["id"], limit=2
            )
            outcomes = [row for each in rows for row in each["items"]]
            assert {row["assignment"]["id"] for row in outcomes} == {item["assignment"]["id"]}
            scores = [row["count"] for row in outcomes if row["kind"] == "score"]
            assert sum(scores) == item["scores"]["read"]
    expect_problem(await office.get(sync["links"]["outcomes"], assignment="essay"), 422, "request-not-valid")


async def test_gradebook_shows_what_was_sent_and_what_was_not(api: ApiHarness) -> None:
    uid = api.drop_student()
    teacher = await api.teacher()
    sync = await api.sync(teacher)
    page = await read_gradebook(teacher, sync)
    position = [student["id"] for student in page["students"]].index(str(uid))
    assert page["students"][position]["name"] == api.world.schoology.users[uid].display
    column = column_of(page, "Homework 1:")
    assert column["state"] == "in-sis"
    assert column["cells"][position] == "a"
    assert column["reasons"][position] == "student-not-in-sis-section"
    assert page["reasons"]["student-not-in-sis-section"]["fix"]
    held = [n for n, letter in enumerate(column["cells"]) if letter == "s"]
    assert held
    assert all(column["after"][n] is not None for n in held)
    assert column["before"] == []
    letters = count_letters(page)
    assert letters["s"] == sync["scores"]["written"] + sync["scores"]["adopted"]
    assert letters["a"] >= sync["attention"]["scores"]


async def test_preview_shows_what_would_be_sent(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office, dry_run=True)
    letters = count_letters(await read_gradebook(office, sync))
    assert letters["w"] == sync["scores"]["written"]
    assert letters["s"] == 0


async def test_unchanged_scores_are_shown_without_values(api: ApiHarness) -> None:
    office = await api.office()
    first = await read_gradebook(office, await api.sync(office))
    again = await read_gradebook(office, await api.sync(office))
    assert count_letters(again)["s"] == count_letters(first)["s"]
    column = column_of(again, "Homework 1:")
    assert (column["state"], column["before"], column["after"]) == ("in-sis", [], [])


async def test_older_sync_shows_only_what_it_reported(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    older, newer = await api.sync(office), await api.sync(office)
    page = await read_gradebook(office, older)
    assert page["whole"] is False
    assert count_letters(page)["s"] == 0
    assert (await read_gradebook(office, newer))["whole"] is True


async def test_R54_pages_of_an_older_sync_hold_all_it_reported(api: ApiHarness) -> None:
    office, section = await api.office(), api.room.section
    await api.sync(office)
    changed = [item for item in section.standing() if item.title.startswith("Homework")][:2]
    for item in changed:
        api.world.schoology.edit_assignment(section.id, item.id, title=f"{item.title} again")
    older = await api.sync(office)
    assert older["assignments"]["unchanged"] > 0  # in a summary, which is of no assignment
    await api.sync(office)
    pages = await read_pages(office, f"{older['links']['self']}/gradebook", limit=1)
    listed = {column["assignment"]["id"] for page in pages for column in page["items"]}
    assert listed >= {str(item.id) for item in changed}


async def test_gradebook_is_read_page_by_page(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office)
    whole = await read_gradebook(office, sync)
    pages = await read_pages(office, f"{sync['links']['self']}/gradebook", limit=2)
    assert len(pages) > 2
    assert [c["assignment"] for page in pages for c in page["items"]] == [
        column["assignment"] for column in whole["items"]
    ]
    total = sum((count_letters(page) for page in pages), Counter[str]())
    assert total - Counter({"-": total["-"]}) == count_letters(whole) - Counter({"-": total["-"]})


async def test_score_edited_in_the_sis_is_shown_as_edited(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    book = api.world.powerschool.gradebook
    student = next(iter(api.room.students.values()))
    part = next(
        p for a in book.of_section(api.room.sis) for p in a.sections if p.name.startswith("Homework 1:")
    )
    book.edit_score(part, student, Decimal("0.25"))
    page = await read_gradebook(office, await api.sync(office, mode="full"))
    column = column_of(page, "Homework 1:")
    assert column["cells"].count("e") == 1
    assert column["reasons"][column["cells"].index("e")] == "edited-in-sis"


async def test_assignment_that_is_switched_off_is_left_out(api: ApiHarness) -> None:
    office = await api.office()
    item = next(i for i in api.room.section.standing() if i.title.startswith("Homework 1:"))
    await office.ask("PATCH", f"{api.path}/assignments/{item.id}", json={"sync_to_sis": False})
    page = await read_gradebook(office, await api.sync(office))
    column = column_of(page, "Homework 1:")
    assert (column["state"], column["reason"]["code"]) == ("left-out", "opted-out")
    assert set(column["cells"]) <= {"o", "-"}


async def test_assignment_with_a_problem_needs_attention(api: ApiHarness) -> None:
    office = await api.office()
    item = next(i for i in api.room.section.standing() if i.title.startswith("Homework 1:"))
    api.world.schoology.edit_assignment(api.room.section.id, item.id, title="y" * 63)
    page = await read_gradebook(office, await api.sync(office))
    column = column_of(page, "yyy")
    assert column["state"] == "needs-attention"
    assert "63 characters" in column["reason"]["explanation"]
    assert set(column["cells"]) <= {"a", "-"}


async def test_stopped_sync_shows_what_waits(api: ApiHarness) -> None:
    await api.change_policy(guard_scores=1, guard_share=Decimal("0.01"))
    office = await api.office()
    await api.sync(office)
    for item in api.room.section.standing():
        for uid in api.room.students:
            api.world.schoology.clear(api.room.section.id, item.id, uid)
    sync = await api.sync(office)
    assert sync["result"] == "stopped-for-review"
    page = await read_gradebook(office, sync)
    assert count_letters(page)["w"] > 0
    column = column_of(page, "Homework 1:")
    position = column["cells"].index("w")
    assert column["before"][position] is not None
    assert column["after"] == []
    (numbers,) = await read_pages(office, f"{sync['links']['self']}/assignments")
    assert sum(item["clears"] for item in numbers["items"]) == sync["guard"]["cleared"]


@pytest.mark.parametrize("refused", [False, True])
async def test_names_are_for_teachers_alone(api: ApiHarness, refused: bool) -> None:
    office, teacher = await api.office(), await api.teacher()
    sync = await api.sync(office)
    if refused:
        api.refuse("schoology")
    for_office, for_teacher = await read_gradebook(office, sync), await read_gradebook(teacher, sync)
    assert {student["name"] for student in for_office["students"]} == {None}
    assert for_teacher["names_unavailable"] is refused
    assert any(student["name"] for student in for_teacher["students"]) is not refused


async def test_cursor_of_one_list_does_not_fit_the_other(api: ApiHarness) -> None:
    office = await api.office()
    path = (await api.sync(office))["links"]["self"]
    for one, other in (("assignments", "gradebook"), ("gradebook", "assignments")):
        cursor = (await office.get(f"{path}/{one}", limit=1)).json()["next_cursor"]
        expect_problem(await office.get(f"{path}/{other}", cursor=cursor), 422, "cursor-not-valid")
