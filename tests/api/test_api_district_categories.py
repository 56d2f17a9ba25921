"""Test the categories of all sections at once: what goes nowhere, and what a rule for it changes."""

from harness.api import ApiHarness, expect_problem

STRANGE = "Projects of the spring"


async def test_a_rule_is_tried_before_it_is_kept(api: ApiHarness) -> None:
    office, rooms = await api.office(), api.world.classrooms
    for room in rooms:
        room.section.categories[next(iter(room.section.categories))].title = STRANGE
        api.world.powerschool.add_category(room.sis_teacher, "Big work")
        await api.sync(office, str(room.section.id))
    seen = (await office.get("/categories/unmapped")).json()
    (strange,) = [one for one in seen["items"] if one["title"] == STRANGE]
    assert strange["sections"] == len(rooms)
    assert {"title": "Big work", "sections": len(rooms)} in seen["sis_titles"]

    rules = {"rules": [{"title": STRANGE.upper(), "sis_title": "big work"}]}
    before = await api.rows()
    preview = (await office.post("/categories/titles/preview", rules)).json()
    assert await api.rows() == before
    assert (preview["sections"], preview["items"]) == (len(rooms), strange["items"])
    assert {(one["before"], one["after"]) for one in preview["changes"]} == {(None, "Big work")}

    assert (await office.ask("PUT", "/categories/titles", json=rules)).status_code == 200
    for room in rooms:
        await api.sync(office, str(room.section.id))
    left = (await office.get("/categories/unmapped")).json()["items"]
    assert STRANGE not in {one["title"] for one in left}
    assert (await office.post("/categories/titles/preview", rules)).json()["sections"] == 0
    back = (await office.post("/categories/titles/preview", {"rules": []})).json()
    assert {(one["before"], one["after"]) for one in back["changes"]} == {("Big work", None)}


async def test_a_preview_refuses_what_the_rules_refuse(api: ApiHarness) -> None:
    office = await api.office()
    nameless = {"rules": [{"title": "", "sis_title": "Homework"}]}
    expect_problem(await office.post("/categories/titles/preview", nameless), 422, "request-not-valid")
