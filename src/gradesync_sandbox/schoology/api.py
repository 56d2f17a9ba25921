"""Describe one GET, alone or inside a multiget, and build its response."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from gradesync_sandbox.schoology.model import ACTIVE, Role, Section, User
from gradesync_sandbox.schoology.state import Schoology
from gradesync_sandbox.schoology.wire import Json

DEFAULT_LIMIT = 20


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """Hold a status with its body: JSON, a plain text, or None for nothing at all."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """End the call with this response."""

    def __init__(self, status: int, body: Any = None) -> None:
        super().__init__(status)
        self.answer = ApiResponse(status, body)


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """Describe a GET and its caller. `base` is the address that links start with; `path` comes after it."""

    state: Schoology
    caller: User
    base: str
    path: str
    query: Mapping[str, str]

    @property
    def rules_all(self) -> bool:
        return self.caller.role is Role.SYSTEM_ADMIN

    def section(self, section_id: str) -> Section:
        """Return a section that the caller may see: 404 when there is none, 403 when it is not theirs."""
        book = self.state.sections.get(int(section_id))
        if book is None:
            raise RefusedError(404)
        mine = any(e.uid == self.caller.uid and e.status == ACTIVE for e in book.enrollments.values())
        if not (self.rules_all or mine):
            raise RefusedError(403)
        return book

    def teaches(self, book: Section) -> bool:
        return self.rules_all or book.is_admin(self.caller.uid)

    def taught(self, section_id: str) -> Section:
        """Return a section whose roster and grades the caller may read; a student gets 403."""
        book = self.section(section_id)
        if not self.teaches(book):
            raise RefusedError(403)
        return book

    def number(self, name: str) -> int | None:
        """Return a whole number from the query; 400 for anything else."""
        text = self.query.get(name, "")
        if not text:
            return None
        if not text.isdecimal():
            raise RefusedError(400, f"Invalid value for {name}")
        return int(text)

    def window(self) -> tuple[int, int]:
        """Return `start` and `limit` of the page that is asked for."""
        limit = self.number("limit") or DEFAULT_LIMIT
        return self.number("start") or 0, min(limit, self.state.switches.max_limit)

    def link(self, path: str, start: int, limit: int) -> str:
        """Return the address of another page of the same list."""
        kept = {k: v for k, v in self.query.items() if k not in ("start", "limit")}
        return f"{self.base}{path}?{urlencode({**kept, 'start': start, 'limit': limit}, safe=',')}"

    def links(self, path: str, *, more: bool) -> Json:
        """Return `self`, and `next` only where another page exists."""
        start, limit = self.window()
        links = {"self": self.link(path, start, limit)}
        if more:
            links["next"] = self.link(path, start + limit, limit)
        return {"links": links}

    def page(self, rows: Sequence[Any], path: str) -> tuple[Sequence[Any], Json]:
        """Return the rows of this page, and its links."""
        start, limit = self.window()
        return rows[start : start + limit], self.links(path, more=start + limit < len(rows))

    def listed(self, key: str, rows: Sequence[Json], paging: Json) -> Json:
        """Return rows under their wrapper key, and paging; a partial list has lost its last rows."""
        switches, start = self.state.switches, self.number("start")
        if start and key in switches.partial_lists and not switches.partial_rest:
            rows = []
        kept = self.state.cut_list(key, len(rows))
        if kept is not None:
            rows = rows[:kept]
            links = {name: link for name, link in paging.get("links", {}).items() if name != "next"}
            paging = {**paging, "links": links} if links else paging
        return {**self.wrap(key, rows), **paging}

    def wrap(self, key: str, rows: Sequence[Json]) -> Json:
        """Return children under their wrapper key, in the shape that the switches choose."""
        switches = self.state.switches
        if switches.extra_keys:
            for row in rows:
                row["undocumented"] = None
        if not rows and switches.omit_empty_wrappers:
            return {}
        if len(rows) == 1 and switches.lone_child_as_object:
            return {key: rows[0]}
        return {key: list(rows)}


Handler = Callable[..., ApiResponse | Json]
