"""Record what the engine does to one section of two scores, as events of the protocol's model."""

import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from gradesync.core.ledger import points_of
from gradesync.db import codec
from gradesync_sandbox.powerschool.log import Call, RequestLog, WrittenScore
from harness.district import DistrictHarness

T = TypeVar("T")
Row = dict[str, Any]
ORDER = ("intent", "ref", "mark", "keep")

START = (
    """
    CREATE TABLE protocol_trace (number bigserial, at timestamptz DEFAULT clock_timestamp(),
                                 transaction xid8 DEFAULT pg_current_xact_id(),
                                 kind text, before json, after json)
    """,
    """
    CREATE FUNCTION protocol_note() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
    BEGIN
        INSERT INTO protocol_trace (kind, before, after) VALUES (TG_TABLE_NAME, to_json(OLD), to_json(NEW));
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER noted AFTER INSERT OR UPDATE ON sync FOR EACH ROW EXECUTE FUNCTION protocol_note()",
    "CREATE TRIGGER noted AFTER INSERT OR UPDATE ON ledger FOR EACH ROW EXECUTE FUNCTION protocol_note()",
)
END = ("DROP FUNCTION protocol_note() CASCADE", "DROP TABLE protocol_trace")
NOTED = """
    SELECT extract(epoch FROM at) AS at, transaction::text, kind, before, after
    FROM protocol_trace ORDER BY number
"""


class _Noted(list[T]):
    """Call back with the time of each item: when the SIS took it, not when its call arrived."""

    def __init__(self, note: Callable[[T], None]) -> None:
        super().__init__()
        self._note = note

    def append(self, item: T) -> None:
        super().append(item)
        self._note(item)

    def __setitem__(self, index: Any, items: Any) -> None:
        super().__setitem__(index, items)
        for item in items:
            self._note(item)


@dataclass
class Recorder(RequestLog):
    """Stand in for the SIS's log, and note what reaches it."""

    harness: DistrictHarness | None = None
    noted: list[tuple[float, str]] = field(default_factory=list)
    versions: dict[str, list[Decimal]] = field(default_factory=dict)

    def arrive(self, call: Call) -> None:
        call.rows, call.created = _Noted(self._note_score), _Noted(self._note_create)
        super().arrive(call)

    def _note_create(self, key: int) -> None:
        name = self._gradebook.assignments[key].sections[0].name
        self.noted.append((time.time(), f"create:{self._number(name)}"))

    def _note_score(self, row: WrittenScore) -> None:
        if row.effect in {"written", "unchanged"} and row.value is not None:
            name = self._gradebook.parts[row.assignmentsectionid][1].name
            number = self._number(name)
            self.noted.append((time.time(), f"write:{number}:{self._version(number, Decimal(row.value))}"))

    @property
    def _gradebook(self) -> Any:
        assert self.harness is not None
        return self.harness.world.powerschool.gradebook

    def _number(self, name: str) -> int:
        assert self.harness is not None
        return [item.title.strip() for item in self.harness.items].index(name)

    def _version(self, number: int, points: Decimal) -> int:
        known = self.versions.setdefault(str(number), [])
        if points not in known:
            known.append(points)
        return known.index(points) + 1

    def grade(self, number: int, points: int) -> None:
        """Change a score whose earlier versions are known."""
        assert self.harness is not None
        harness, version = self.harness, self._version(number, Decimal(points))
        harness.grade(harness.items[number], harness.students[0], points)
        self.noted.append((time.time(), f"grade:{number}:{version}"))

    # --- what the database noted

    def list_events(self, rows: Iterable[Any]) -> list[str]:
        """Merge what the database and the SIS noted, in the order of time."""
        events = list(self.noted)
        for _, group in groupby(rows, lambda row: row.transaction):
            changes = list(group)
            kept = [event for row in changes if row.kind == "ledger" for event in self._ledger(row)]
            kept.sort(key=lambda event: (event.split(":")[1], ORDER.index(event.split(":")[0])))
            moved = [event for row in changes if row.kind == "sync" for event in _sync(row.before, row.after)]
            events += [(float(changes[-1].at), event) for event in (*kept, *moved)]
        return [event for _, event in sorted(events, key=lambda noted: noted[0])]

    def _ledger(self, row: Any) -> Iterable[str]:
        assert self.harness is not None
        before, after = row.before or {}, row.after
        number = [str(item.id) for item in self.harness.items].index(after["assignment_id"])
        if after["intent"] and not before.get("intent"):
            yield f"intent:{number}"
        if after["ref_key"] and not before.get("ref_key"):
            yield f"ref:{number}"
        for key, doubt in _doubts(after).items():
            if doubt.looks > 1 and _doubts(before).get(key) != doubt:
                yield f"mark:{number}:{self._version(number, points_of(doubt.value) or Decimal())}"
        for key, value in _sent(after).items():
            if _sent(before).get(key) != value:
                yield f"keep:{number}:{self._version(number, points_of(value) or Decimal())}"


def _doubts(row: Row) -> dict[str, Any]:
    # Which sync sent it is noted when its batch has ended: that is no mark.
    doubts = codec.load_map(row.get("doubts"), codec.load_doubtful)
    return {key: doubt._replace(sync="") for key, doubt in doubts.items()}


def _sent(row: Row) -> dict[str, Any]:
    packed = row.get("scores")
    return codec.unpack(bytes.fromhex(packed.removeprefix("\\x"))) if packed else {}


def _sync(before: Row | None, after: Row) -> Iterable[str]:
    if before is None:
        yield "request"
    elif after["status"] != before["status"]:
        yield f"settle:0:{int(after['status'] == 'failed')}"
    elif after["lease_token"] != before["lease_token"]:
        yield "claim" if after["lease_token"] else "release"


@asynccontextmanager
async def recording(owner: AsyncConnection, harness: DistrictHarness) -> AsyncIterator[Recorder]:
    """Note all that happens in a district while the block lasts."""
    for statement in START:
        await owner.execute(text(statement))
    recorder = Recorder(harness=harness)
    harness.world.powerschool.log = recorder
    try:
        yield recorder
    finally:
        for statement in END:
            await owner.execute(text(statement))


async def read_events(owner: AsyncConnection, recorder: Recorder) -> str:
    """Return the events so far, as the model names them."""
    return " ".join(recorder.list_events(list(await owner.execute(text(NOTED)))))
