"""Make syncs from their rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from gradesync.core.catalogue import Attention
from gradesync.core.plan import Danger, Guard, Selection


@dataclass(frozen=True, slots=True)
class Sync:
    """Describe the state of a sync. Counts are by result; `warnings` by code; times by the database's clock.

    `result` is null until it settles, and so is `attention`; both also if an older release settled it.
    `trace` is the W3C traceparent of the request that asked for it, where that was traced.
    """

    district_id: str
    id: str
    section_id: str
    status: str
    stage: str
    applied: str
    mode: str
    dry_run: bool
    selection: Selection | None
    retry_of: str | None
    approve: str | None
    requested_by_kind: str
    requested_by_id: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    settles_by: datetime
    done: int
    total: int | None
    assignments: Mapping[str, int]
    scores: Mapping[str, int]
    warnings: Mapping[str, int]
    fingerprint: str | None
    guard: Guard | None
    error_code: str | None
    error_detail: str
    lease_token: str | None
    lease_until: datetime | None
    attempt: int
    not_before: datetime
    result: str | None = None
    attention: Attention | None = None
    trace: str | None = None


FIELDS = tuple(field.name for field in fields(Sync))


def sync_of(row: Row[Any]) -> Sync:
    values = {name: getattr(row, name) for name in FIELDS}
    for name in ("id", "retry_of", "lease_token"):
        values[name] = values[name] and str(values[name])
    values["selection"] = _selection(values["selection"])
    values["guard"] = _guard(values["guard"])
    values["attention"] = values["attention"] and Attention(**values["attention"])
    return Sync(**values)


def _guard(raw: Mapping[str, Any] | None) -> Guard | None:
    if raw is None:
        return None
    danger = raw.get("danger")
    return Guard(**{**raw, "danger": danger and Danger(danger)})


def selection_rows(selection: Selection | None) -> dict[str, list[str] | None] | None:
    if selection is None:
        return None
    return {key: None if students is None else sorted(students) for key, students in selection.items()}


def _selection(raw: Mapping[str, Sequence[str] | None] | None) -> Selection | None:
    if raw is None:
        return None
    return {key: None if students is None else frozenset(students) for key, students in raw.items()}
