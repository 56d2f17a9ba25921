"""Sync one section as a district would script it: one call after another, one PUT a score, a state file.

`python -m bench.district_script SETTINGS.json STATE.json` prints calls, bytes, seconds and processor seconds
of one run. The ids that a sync finds out, of the section, its teacher and its categories, are given to it.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import httpx

from gradesync.upstream.auth import OAuth1


@dataclass
class Wire:
    """Send calls one after another, and count them and their bytes."""

    client: httpx.Client
    calls: int = 0
    size: int = 0

    def send(self, method: str, url: str, **more: Any) -> Any:
        answer = self.client.request(method, url, **more)
        answer.raise_for_status()
        self.calls += 1
        self.size += len(answer.request.content) + len(answer.content)
        return answer


def read_pages(wire: Wire, url: str, auth: httpx.Auth, *keys: str) -> Iterator[Any]:
    """Yield the rows of a list of Schoology's, page by page."""
    address: str | None = url
    while address:
        page = wire.send("GET", address, auth=auth).json()
        rows: Any = page
        for key in keys:
            rows = rows.get(key, {})
        yield from rows
        address = page.get("links", {}).get("next")


def run(settings: dict[str, Any], state: dict[str, Any], wire: Wire) -> None:
    """Read the section whole, create what is new, and send every score that differs from the state."""
    auth = OAuth1(settings["consumer_key"], settings["consumer_secret"])
    base = f"{settings['schoology_url']}/sections/{settings['section']}"
    students = {
        str(row["id"]): row["school_uid"].removeprefix("1_")
        for row in read_pages(wire, f"{base}/enrollments?limit=200", auth, "enrollment")
        if row["school_uid"]
    }
    titles = {
        str(row["id"]): row["title"]
        for row in read_pages(wire, f"{base}/grade_items?limit=200", auth, "assignment")
    }
    refs: dict[str, Any] = state.setdefault("assignments", {})
    sent: dict[str, Any] = state.setdefault("scores", {})
    if new := [title for title in titles.values() if title not in refs]:
        refs.update(create(wire, settings, new))
    for row in read_pages(wire, f"{base}/grades?limit=200", auth, "grades", "grade"):
        key = f"{row['assignment_id']}/{row['enrollment_id']}"
        student, grade = students.get(str(row["enrollment_id"])), row["grade"]
        if student is not None and grade is not None and sent.get(key) != str(grade):
            put(wire, settings, refs[titles[str(row["assignment_id"])]], student, Decimal(str(grade)))
            sent[key] = str(grade)


def create(wire: Wire, settings: dict[str, Any], titles: list[str]) -> dict[str, Any]:
    """Create assignments; return by title the id that its scores belong to."""
    url = f"{settings['sis_url']}/ws/xte/section/assignment"
    for title in titles:
        wire.send("POST", url, params=settings["create_params"], json=settings["creates"][title])
    listed = wire.send("GET", url, params=settings["list_params"]).json()
    parts = [part for one in listed for part in one["_assignmentsections"]]
    return {part["name"]: part["assignmentsectionid"] for part in parts}


def put(wire: Wire, settings: dict[str, Any], ref: Any, student: str, points: Decimal) -> None:
    row = {
        "_assignmentsection": {"assignmentsectionid": ref},
        "studentsdcid": int(student),
        "actualscoreentered": f"{points:f}",
        "actualscorekind": "REAL_SCORE",
        "scoretype": "POINTS",
        "scorepoints": float(points),
    }
    url = f"{settings['sis_url']}/ws/xte/score"
    wire.send("PUT", url, params=settings["score_params"], json={"assignment_scores": [row]})


def main(settings_file: Path, state_file: Path) -> None:
    settings = json.loads(settings_file.read_text())
    state = json.loads(state_file.read_text()) if state_file.exists() else {}
    headers = {"Authorization": f"Bearer {settings['token']}", "Accept": "application/json"}
    with httpx.Client(headers=headers, timeout=60) as client:
        wire = Wire(client)
        began, cpu = perf_counter(), process_time()
        run(settings, state, wire)
        state_file.write_text(json.dumps(state))
        spent = {"seconds": perf_counter() - began, "cpu": process_time() - cpu}
    print(json.dumps({"calls": wire.calls, "bytes": wire.size, **spent}))  # noqa: T201 - what the caller reads


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
