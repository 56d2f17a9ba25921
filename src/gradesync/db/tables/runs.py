"""Define the tables of runs, which sync many sections for the district, and of schedules, which make runs."""

from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    Text,
    Time,
    Uuid,
    text,
)
from sqlmodel import Field

from gradesync.db.tables.base import Table, district_column, json_column, time_column


class RunRow(Table, table=True):
    """Store a run. `every` (seconds) paces it from `begins` on; a schedule's has a window, which `ends`."""

    __tablename__ = "run"
    __table_args__ = (
        Index("run_active", "district_id", postgresql_where=text("finished_at IS NULL")),
        Index(
            "run_occurrence",
            "district_id",
            "schedule_id",
            "begins",
            unique=True,
            postgresql_where=text("schedule_id IS NOT NULL"),
        ),
    )

    district_id: str = Field(sa_column=district_column())
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    status: str = Field(sa_column=Column(Text, nullable=False))
    chosen: dict[str, Any] = Field(sa_column=json_column("{}"))
    mode: str = Field(sa_column=Column(Text, nullable=False))
    dry_run: bool = Field(sa_column=Column(Boolean, nullable=False))
    requested_by_kind: str = Field(sa_column=Column(Text, nullable=False))
    requested_by_id: str = Field(sa_column=Column(Text, nullable=False))
    requested_at: datetime = Field(sa_column=time_column())
    schedule_id: UUID | None = Field(sa_column=Column(Uuid))
    begins: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    ends: datetime | None = Field(sa_column=time_column(null=True))
    every: float = Field(sa_column=Column(Float, nullable=False))
    finishes_by: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    finished_at: datetime | None = Field(sa_column=time_column(null=True))


class RunSectionRow(Table, table=True):
    """Store a section of a run, in its order. `result` is that of its sync, or why it was skipped."""

    __tablename__ = "run_section"

    district_id: str = Field(sa_column=district_column())
    run_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    section_id: str = Field(sa_column=Column(Text, nullable=False))
    state: str = Field(sa_column=Column(Text, nullable=False))
    sync_id: UUID | None = Field(sa_column=Column(Uuid))
    result: str | None = Field(sa_column=Column(Text))


class ScheduleRow(Table, table=True):
    """Store when a district, a school or a section is synced by itself, and by whose decision.

    `begins` and `ends` are of the district's clock; `next_at` is when the next window begins.
    """

    __tablename__ = "schedule"
    __table_args__ = (Index("schedule_due", "next_at"),)

    district_id: str = Field(sa_column=district_column())
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    level: str = Field(sa_column=Column(Text, nullable=False))
    target: str = Field(sa_column=Column(Text, nullable=False))
    days: list[int] = Field(sa_column=Column(ARRAY(Integer), nullable=False))
    begins: time = Field(sa_column=Column(Time, nullable=False))
    ends: time = Field(sa_column=Column(Time, nullable=False))
    mode: str = Field(sa_column=Column(Text, nullable=False))
    decided_by_kind: str = Field(sa_column=Column(Text, nullable=False))
    decided_by_id: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=time_column())
    next_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
