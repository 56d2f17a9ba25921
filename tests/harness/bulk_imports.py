"""Import many rows at once, and read the result of each."""

from typing import Any

import httpx

from gradesync_sandbox.district import Classroom
from harness.api import ApiClient

LINKS, PAIRS = "/sections/import", "/categories/import"


async def import_rows(office: ApiClient, path: str, wanted: Any) -> list[tuple[str, str | None]]:
    """Import rows and return (result, code) of each."""
    answer = await office.post(path, {"rows": wanted})
    return row_results(answer)


def row_results(answer: httpx.Response) -> list[tuple[str, str | None]]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    found = body["rows"]
    assert [row["row"] for row in found] == list(range(1, len(found) + 1))
    assert sum(body[count] for count in ("done", "failed", "not_attempted")) == len(found)
    assert all(row["detail"] for row in found if row["result"] != "done")
    return [(row["result"], row["code"]) for row in found]


def section_id(room: Classroom) -> str:
    return str(room.section.id)
