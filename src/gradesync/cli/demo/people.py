"""What the people of the demonstration do, all of it over HTTP: the teacher, and whoever looks on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import httpx

from gradesync.cli.demo.stage import Stage

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - the name of a type


class Change(NamedTuple):
    """What the teacher does to one cell, in words, and the text that the SIS should hold then."""

    assignment: str
    student: str
    words: str
    expected: str


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls that reached the two systems, by kind, and the score rows that came with them."""

    schoology: int
    powerschool: dict[str, int]
    rows: int

    def of(self, kind: str) -> int:
        return self.powerschool.get(kind, 0)

    @property
    def reads(self) -> int:
        wrote = ("token", "assignment.create", "assignment.update", "score.write")
        return sum(number for kind, number in self.powerschool.items() if kind not in wrote)


@dataclass(frozen=True, slots=True)
class Teacher:
    """A teacher who opened gradesync in a section, with the token of that launch."""

    stage: Stage
    section: str
    token: str

    @classmethod
    def launch(cls, stage: Stage, section: dict[str, Any]) -> "Teacher":
        """Launch from Schoology, and let the front-end exchange the signed id_token for a token of ours."""
        query = {"user": section["teacher_uid"], "section": section["id"]}
        id_token = _said(stage.lti.get("/id_token", params=query))["id_token"]
        form = {"grant_type": EXCHANGE, "subject_token": id_token, "subject_token_type": ID_TOKEN}
        answer = stage.api.post("/oauth/token", data=form, auth=stage.front_end)
        return cls(stage, section["id"], _said(answer)["access_token"])

    @property
    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def sync(self) -> Iterator[dict[str, Any]]:
        """Press *Sync to SIS*; yields the sync as it goes on, until it is settled."""
        sync = _said(self.stage.api.post(f"/sections/{self.section}/syncs", headers=self._bearer))
        yield sync
        with self.stage.api.stream("GET", sync["links"]["events"], headers=self._bearer) as events:
            for line in events.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))

    def outcomes(self, sync: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        url: str | None = f"{sync['links']['outcomes']}?limit=200"
        while url:
            answer = self.stage.api.get(url, headers=self._bearer)
            found += _said(answer)["items"]
            url = answer.links.get("next", {}).get("url")
        return found

    def regrade(self, count: int) -> list[Change]:
        """Change some scores that the SIS holds: new points, and one each excused, missing and blank."""
        there = self.sis()
        book = _said(self.stage.control.get(f"/sections/{self.section}/gradebook"))
        graded = [
            (item, uid, Decimal(cell["grade"]))
            for item in book
            for uid, cell in item["cells"].items()
            if cell["grade"] is not None and cell["exception"] == 0 and there.get(item["title"], {}).get(uid)
        ]
        step = max(1, len(graded) // count)
        return [self._change(number, *graded[number * step]) for number in range(min(count, len(graded)))]

    def _change(self, number: int, item: dict[str, Any], uid: str, points: Decimal) -> Change:
        cell = f"/sections/{self.section}/assignments/{item['id']}/scores/{uid}"
        match number:
            case 0:
                _said(self.stage.control.put(f"{cell}/exception", json={"exception": 1}))
                return Change(item["title"], uid, f"{points} → excused", "")
            case 1:
                _said(self.stage.control.put(f"{cell}/exception", json={"exception": 3}))
                return Change(item["title"], uid, f"{points} → missing", "0")
            case 2:
                _said(self.stage.control.delete(cell))
                return Change(item["title"], uid, f"{points} → blank", "")
            case _:
                better = f"{points + Decimal('1.5'):f}"
                _said(self.stage.control.put(cell, json={"points": better}))
                return Change(item["title"], uid, f"{points} → {better}", better)

    def sis(self) -> dict[str, dict[str, str | None]]:
        """The SIS gradebook: assignment name, Schoology uid, text of the cell."""
        url = f"/sections/{self.section}/sis/gradebook"
        found: dict[str, dict[str, str | None]] = _said(
            self.stage.control.get(url, params={"students": "uid"})
        )
        return found

    def calls(self) -> Calls:
        """What reached both systems since the last time."""
        counters = {}
        for system in ("schoology", "powerschool"):
            counters[system] = _said(self.stage.control.get(f"/systems/{system}/counters"))
            _said(self.stage.control.delete(f"/systems/{system}/calls"))
        rows = sum(counters["powerschool"]["score_rows"].values())
        return Calls(sum(counters["schoology"]["calls"].values()), counters["powerschool"]["calls"], rows)


def _said(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    return answer.json() if answer.content else None
