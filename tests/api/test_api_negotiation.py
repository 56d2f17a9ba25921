"""Test which representation an `Accept` header gets."""

import pytest

from harness.api import ApiHarness, expect_problem

CSV, JSON, PAGE = "text/csv", "application/json", "text/html"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", CSV),
        ("TEXT/CSV", CSV),
        ("text/csv; charset=utf-8", CSV),
        ("text/csv, */*", CSV),
        ("text/*", CSV),
        ("application/json;q=0.1, text/csv;q=0.9", CSV),
        ("text/csv, application/json", CSV),
        ("application/json, text/csv", JSON),
        ("application/json, text/csv;q=0.1", JSON),
        ("text/csv;q=0, application/json", JSON),
        ("text/csv;q=0", JSON),
        ("text/csvx", JSON),
        ("*/*", JSON),
        ("application/json, text/plain, */*", JSON),
        ("application/xml", JSON),
        (";q=, ,/", JSON),
        ("", JSON),
    ],
)
async def test_outcomes_come_as_the_client_prefers(api: ApiHarness, accept: str, kind: str) -> None:
    office = await api.office()
    sync = await api.sync(office)
    response = await office.ask("GET", sync["links"]["outcomes"], headers={"accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == kind


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (BROWSER, PAGE),
        ("text/html, application/json", PAGE),
        ("application/json, text/html", JSON),
        ("*/*", JSON),
    ],
)
async def test_a_browser_gets_a_page(api: ApiHarness, accept: str, kind: str) -> None:
    response = await api.http.get("/problems/sync-in-progress", headers={"accept": accept})
    assert response.headers["content-type"].partition(";")[0] == kind


async def test_a_page_of_a_spreadsheet_is_refused(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office)
    listed = (await office.get(sync["links"]["outcomes"], limit=1)).json()
    report = (await office.get((await office.post("/preflight")).headers["location"])).json()
    for path in (sync["links"]["outcomes"], report["links"]["findings"]):
        query = {"limit": 1, "cursor": listed["next_cursor"]}
        response = await office.ask("GET", path, params=query, headers={"accept": "text/csv"})
        errors = expect_problem(response, 422, "request-not-valid")["errors"]
        assert [error["at"] for error in errors] == [["query", "limit"], ["query", "cursor"]]
