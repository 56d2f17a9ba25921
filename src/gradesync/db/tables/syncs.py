"""Define the tables of syncs: pauses of them, outcomes, the history of the SIS, and idempotency keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from gradesync.db.tables.base import Table, district_column, json_column, time_column


class SyncRow(Table, table=True):
    """Store a sync, from request to settlement. `lease_token` is set exactly while a worker has it.

    `ready_at` is what `not_before` would be of a paused sync if it were not paused.
    """

    __tablename__ = "sync"
    __table_args__ = (
        Index(
            "sync_one_per_section",
            "district_id",
            "section_id",
            unique=True,
            postgresql_where=text("status = 'processing' AND NOT dry_run"),
        ),
        Index(
            "sync_queued",
            "district_id",
            "not_before",
            postgresql_where=text("status = 'processing' AND lease_token IS NULL"),
        ),
        Index(
            "sync_ready",
            "not_before",
            "district_id",
            postgresql_where=text("status = 'processing' AND lease_token IS NULL"),
        ),
        Index(
            "sync_leased",
            "district_id",
            postgresql_where=text("status = 'processing' AND lease_token IS NOT NULL"),
        ),
        Index("sync_due", "settles_by", postgresql_where=text("status = 'processing'")),
        Index("sync_log", "district_id", "section_id", "dry_run", "id"),
    )

    district_id: str = Field(sa_column=district_column())
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    section_id: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    stage: str = Field(sa_column=Column(Text, nullable=False))
    applied: str = Field(sa_column=Column(Text, nullable=False))
    mode: str = Field(sa_column=Column(Text, nullable=False))
    dry_run: bool = Field(sa_column=Column(Boolean, nullable=False))
    selection: dict[str, Any] | None = Field(sa_column=json_column())
    retry_of: UUID | None = Field(sa_column=Column(Uuid))
    approve: str | None = Field(sa_column=Column(Text))
    requested_by_kind: str = Field(sa_column=Column(Text, nullable=False))
    requested_by_id: str = Field(sa_column=Column(Text, nullable=False))
    requested_at: datetime = Field(sa_column=time_column())
    started_at: datetime | None = Field(sa_column=time_column(null=True))
    finished_at: datetime | None = Field(sa_column=time_column(null=True))
    settles_by: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    done: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    total: int | None = Field(sa_column=Column(Integer))
    assignments: dict[str, int] = Field(sa_column=json_column("{}"))
    scores: dict[str, int] = Field(sa_column=json_column("{}"))
    warnings: dict[str, int] = Field(sa_column=json_column("{}"))
    fingerprint: str | None = Field(sa_column=Column(Text))
    guard: dict[str, int] | None = Field(sa_column=json_column())
    error_code: str | None = Field(sa_column=Column(Text))
    error_detail: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    lease_token: UUID | None = Field(sa_column=Column(Uuid))
    lease_until: datetime | None = Field(sa_column=time_column(null=True))
    attempt: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    not_before: datetime = Field(sa_column=time_column())
    trace: str | None = Field(sa_column=Column(Text))
    result: str | None = Field(sa_column=Column(Text))
    attention: dict[str, int] | None = Field(sa_column=json_column())
    paused_at: datetime | None = Field(sa_column=time_column(null=True))
    pause_reason: str | None = Field(sa_column=Column(Text))
    planned_by: str | None = Field(sa_column=Column(Text))
    run_id: UUID | None = Field(sa_column=Column(Uuid))
    undo: dict[str, Any] | None = Field(sa_column=json_column())
    reason: str | None = Field(sa_column=Column(Text))
    ready_at: datetime | None = Field(sa_column=time_column(null=True))


class PauseRow(Table, table=True):
    """Store a pause of a `level`: the district (`target` ''), a school, or a section. Lifting deletes it."""

    __tablename__ = "pause"
    __table_args__ = (Index("pause_target", "district_id", "level", "target", unique=True),)

    district_id: str = Field(sa_column=district_column())
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    level: str = Field(sa_column=Column(Text, nullable=False))
    target: str = Field(sa_column=Column(Text, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    paused_by: str = Field(sa_column=Column(Text, nullable=False))
    paused_at: datetime = Field(sa_column=time_column())


class OutcomeRow(Table, table=True):
    """Store what became of one assignment (`student_id` '') or one score. `count`: a summary of so many.

    The lengths in the key make its order the numeric order of ids. Partitions are of the weeks in which syncs
    were requested, by the time in their ids.
    """

    __tablename__ = "outcome"
    __table_args__ = ({"postgresql_partition_by": "RANGE (sync_id)"},)

    district_id: str = Field(sa_column=district_column())
    sync_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    # Plain columns: with a generated one in its key the table could not be replicated logically.
    assignment_length: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    student_length: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    assignment_id: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    student_id: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    title: str | None = Field(sa_column=Column(Text))
    result: str = Field(sa_column=Column(Text, nullable=False))
    reason: str | None = Field(sa_column=Column(Text))
    warnings: list[str] | None = Field(sa_column=Column(ARRAY(Text)))
    before: str | None = Field(sa_column=Column(Text))
    after: str | None = Field(sa_column=Column(Text))
    detail: str | None = Field(sa_column=Column(Text))
    facts: str | None = Field(sa_column=Column(Text))
    count: int | None = Field(sa_column=Column(Integer))


class HistoryRow(Table, table=True):
    """Store what one transaction of a sync changed in the SIS, and why: by month, and never changed."""

    __tablename__ = "history"
    __table_args__ = ({"postgresql_partition_by": "RANGE (at)"},)

    district_id: str = Field(sa_column=district_column())
    section_id: str = Field(sa_column=Column(Text, primary_key=True))
    at: datetime = Field(
        sa_column=Column(DateTime(timezone=True), primary_key=True, server_default=text("now()"))
    )
    sync_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    mode: str = Field(sa_column=Column(Text, nullable=False))
    requested_by: str = Field(sa_column=Column(Text, nullable=False))
    approved_by: str | None = Field(sa_column=Column(Text))
    reason: str | None = Field(sa_column=Column(Text))
    events: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class IdempotencyRow(Table, table=True):
    """Store the response that an Idempotency-Key already has."""

    __tablename__ = "idempotency"

    district_id: str = Field(sa_column=district_column())
    subject: str = Field(sa_column=Column(Text, primary_key=True))
    section_id: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    request_hash: str = Field(sa_column=Column(Text, nullable=False))
    response: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
