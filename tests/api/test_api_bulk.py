"""Test the import of links: every row gets a result, and a failed row does not stop the others."""

import csv
import io
from collections.abc import Sequence
from datetime import timedelta

import pytest

from gradesync.api import bulk
from gradesync_sandbox.faults import Fault, Status
from harness.api import ApiHarness, expect_problem
from harness.bulk_imports import LINKS, PAIRS, import_rows, row_results, section_id

CSV = {"content-type": "text/csv"}


def sheet(*lines: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


async def test_each_link_row_gets_its_own_result(api: ApiHarness) -> None:
    office = await api.office()
    first, second = api.world.classrooms
    assert api.world.manual is not None
    wanted = [
        {"section": section_id(first), "sis_section": str(second.sis.dcid)},
        {"section": section_id(second), "sis_section": str(second.sis.dcid)},
        {"section": section_id(second), "sis_section": "999999"},
        {"section": "x"},
        {"section": section_id(second), "sis_section": 7},
        {"section": str(api.world.manual.id)},
        {"section": section_id(second), "sis_section": str(first.sis.dcid), "teacher": "999999"},
        {"section": section_id(second), "sis_section": str(first.sis.dcid), "title": "no"},
        "nothing",
        {"section": section_id(second), "sis_section": str(first.sis.dcid)},
    ]
    assert await import_rows(office, LINKS, wanted) == [
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
    links = {link["id"]: link for link in (await office.get("/sections")).json()["items"]}
    assert links[section_id(first)]["sis_section"]["id"] == str(second.sis.dcid)
    assert links[section_id(second)]["sis_section"]["id"] == str(first.sis.dcid)
    assert all(link["chosen"] for link in links.values())
    actions = [entry["action"] for entry in (await office.get("/audit")).json()["items"]]
    assert actions.count("section.linked") == 2


async def test_a_row_of_broken_text_gets_a_result(api: ApiHarness) -> None:
    content = rb'{"rows": [{"section": "\ud800", "\ud800": "\u0000"}, 7]}'
    for path in (LINKS, PAIRS):
        response = await (await api.office()).ask("POST", path, content=content)
        assert row_results(response) == [("failed", "request-not-valid")] * 2


async def test_links_are_imported_from_csv(api: ApiHarness) -> None:
    office = await api.office()
    first, second = api.world.classrooms
    body = sheet(
        ["section", "sis_section", "teacher"],
        [section_id(first), f" {first.sis.dcid} ", str(first.sis_teacher.dcid)],
        [section_id(second), "", ""],
        [section_id(second), "1", "2", "3"],
    )
    response = await office.ask("POST", LINKS, content=body, headers=CSV)
    assert row_results(response) == [("done", None), ("done", None), ("failed", "request-not-valid")]
    links = {link["id"]: link for link in (await office.get("/sections")).json()["items"]}
    assert (links[section_id(first)]["chosen"], links[section_id(second)]["chosen"]) == (True, False)
    assert links[section_id(first)]["teacher"] == str(first.sis_teacher.dcid)


@pytest.mark.sample(5)
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
async def test_a_body_without_rows_is_refused(api: ApiHarness, path: str, content: bytes, kind: str) -> None:
    response = await (await api.office()).ask("POST", path, content=content, headers={"content-type": kind})
    expect_problem(response, 422, "rows-not-readable")


async def test_an_unresponsive_system_fails_only_its_rows(api: ApiHarness) -> None:
    office = await api.office()
    first, second = api.world.classrooms
    later = Status(429, headers={"retry-after": "300"})
    api.sandbox.faults.add(Fault("schoology", "section", later, times=None))
    wanted = [
        {"section": section_id(first)},
        {"section": section_id(second), "sis_section": str(second.sis.dcid)},
    ]
    (silent, code), done = await import_rows(office, LINKS, wanted)
    assert (silent, code) == ("failed", "upstream-unavailable")
    assert done == ("done", None)


async def test_rows_past_the_deadline_are_not_attempted(
    api: ApiHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await api.office()
    monkeypatch.setattr(bulk, "TIME_LIMIT", timedelta(0))
    late = ("not-attempted", "not-attempted")
    assert await import_rows(office, LINKS, [{"section": api.section}]) == [late]
    pair = {"section": api.section, "category": "a", "sis_category": "b"}
    assert await import_rows(office, PAIRS, [pair, {"section": "x"}]) == [
        late,
        ("failed", "request-not-valid"),
    ]
    response = await office.post(f"{api.path}/categories/copy", {"sections": ["7999999999"]})
    assert [section["result"] for section in response.json()["sections"]] == ["not-attempted"]
