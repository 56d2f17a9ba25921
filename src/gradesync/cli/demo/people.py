"""Act as the people of the demonstration, over HTTP: the teacher, and an observer of both systems."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import httpx

from gradesync.cli.demo.installation import Installation

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - the name of a type


# Kinds of calls that create an assignment, and that write scores, in either kind of SIS.
CREATES = ("assignment.create", "lineItem.put")
SCORES = ("score.write", "result.put", "result.delete")


class Change(NamedTuple):
    """Describe what the teacher did to one cell, and the text that the SIS should have then."""

    assignment: str
    student: str
    words: str
    expected: str


@dataclass(frozen=True, slots=True)
class Calls:
    """Count the calls that reached the two systems, by kind, and their score rows."""

    schoology: int
    sis: dict[str, int]
    rows: int

    def count(self, *kinds: str) -> int:
        return sum(self.sis.get(kind, 0) for kind in kinds)

    @property
    def reads(self) -> int:
        return sum(self.sis.values()) - self.count("token", "assignment.update", *CREATES, *SCORES)


@dataclass(frozen=True, slots=True)
class Teacher:
    """Act as a teacher who opened gradesync in a section, with the token of that launch."""

    demo: Installation
    section: str
    token: str

    @classmethod
    def launch(cls, demo: Installation, section: dict[str, Any]) -> "Teacher":
        """Launch from Schoology, and let the front-end exchange the signed id_token for a token of ours."""
        query = {"user": section["teacher_uid"], "section": section["id"]}
        id_token = _json(demo.lti.get("/id_token", params=query))["id_token"]
        form = {"grant_type": EXCHANGE, "subject_token": id_token, "subject_token_type": ID_TOKEN}
        response = demo.api.post("/oauth/token", data=form, auth=demo.front_end)
        return cls(demo, section["id"], _json(response)["access_token"])

    @property
    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def sync(self) -> Iterator[dict[str, Any]]:
        """Press *Sync to SIS*; yield the states of the sync until it is settled."""
        sync = _json(self.demo.api.post(f"/sections/{self.section}/syncs", headers=self._bearer))
        yield sync
        with self.demo.api.stream("GET", sync["links"]["events"], headers=self._bearer) as events:
            for line in events.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))

    def outcomes(self, sync: dict[str, Any]) -> list[dict[str, Any]]:
        """List the outcomes of a sync, page by page."""
        outcomes: list[dict[str, Any]] = []
        url: str | None = f"{sync['links']['outcomes']}?limit=200"
        while url:
            response = self.demo.api.get(url, headers=self._bearer)
            outcomes += _json(response)["items"]
            url = response.links.get("next", {}).get("url")
        return outcomes

    def assignments(self) -> list[dict[str, Any]]:
        """List the assignments of the section with their state."""
        response = self.demo.api.get(f"/sections/{self.section}/assignments", headers=self._bearer)
        items: list[dict[str, Any]] = _json(response)["items"]
        return items

    def edit(self, assignment: str, **fields: Any) -> None:
        """Change an assignment in Schoology."""
        _json(self.demo.control.patch(f"/sections/{self.section}/assignments/{assignment}", json=fields))

    def grade(self, assignment: str, uid: str, points: str) -> None:
        """Enter points in Schoology."""
        cell = f"/sections/{self.section}/assignments/{assignment}/scores/{uid}"
        _json(self.demo.control.put(cell, json={"points": points}))

    def enroll_in_sis(self, uid: str) -> None:
        """Let the school office put a student into the SIS section."""
        people = _json(self.demo.control.get(f"/sections/{self.section}"))["students"]
        (dcid,) = [each["dcid"] for each in people if str(each["uid"]) == uid]
        _json(self.demo.control.post(f"/sections/{self.section}/sis/students/{dcid}/enroll"))

    def end_enrollment(self, uid: str) -> None:
        """Let the school office take a student out of the Schoology section."""
        _json(self.demo.control.post(f"/sections/{self.section}/students/{uid}/drop"))

    def regrade(self, count: int) -> list[Change]:
        """Change some scores that the SIS has: new points, and one each excused, missing and blank."""
        sis = self.sis()
        book = _json(self.demo.control.get(f"/sections/{self.section}/gradebook"))
        graded = [
            (item, uid, Decimal(cell["grade"]))
            for item in book
            for uid, cell in item["cells"].items()
            if cell["grade"] is not None and cell["exception"] == 0 and sis.get(item["title"], {}).get(uid)
        ]
        step = max(1, len(graded) // count)
        return [self._change(number, *graded[number * step]) for number in range(min(count, len(graded)))]

    def _change(self, number: int, item: dict[str, Any], uid: str, points: Decimal) -> Change:
        cell = f"/sections/{self.section}/assignments/{item['id']}/scores/{uid}"
        match number:
            case 0:
                _json(self.demo.control.put(f"{cell}/exception", json={"exception": 1}))
                return Change(item["title"], uid, f"{points} → excused", "")
            case 1:
                _json(self.demo.control.put(f"{cell}/exception", json={"exception": 3}))
                return Change(item["title"], uid, f"{points} → missing", "0")
            case 2:
                _json(self.demo.control.delete(cell))
                return Change(item["title"], uid, f"{points} → blank", "")
            case _:
                better = f"{(points + Decimal('1.5')).normalize():f}"
                _json(self.demo.control.put(cell, json={"points": better}))
                return Change(item["title"], uid, f"{points} → {better}", better)

    def sis(self) -> dict[str, dict[str, str | None]]:
        """Read the SIS gradebook: assignment name, Schoology uid, text of the cell."""
        url = f"/sections/{self.section}/sis/gradebook"
        gradebook: dict[str, dict[str, str | None]] = _json(
            self.demo.control.get(url, params={"students": "uid"})
        )
        return gradebook

    def calls(self) -> Calls:
        """Count what reached both systems since the last call of this."""
        counters = {}
        for system in ("schoology", "powerschool"):
            counters[system] = _json(self.demo.control.get(f"/systems/{system}/counters"))
            _json(self.demo.control.delete(f"/systems/{system}/calls"))
        rows = sum(counters["powerschool"]["score_rows"].values())
        return Calls(sum(counters["schoology"]["calls"].values()), counters["powerschool"]["calls"], rows)


def _json(response: httpx.Response) -> Any:
    response.raise_for_status()
    return response.json() if response.content else None
