"""Define the table of comparisons of a section in both systems."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, Integer, LargeBinary, Text, Uuid, text
from sqlmodel import Field

from gradesync.db.tables.base import Table, district_column, json_column, time_column


class ComparisonRow(Table, table=True):
    """Store a comparison of one section: its state, its counts, and its cells in one compressed value.

    `edits` counts the cells that were edited in the SIS, by assignment and by student. `lease_token` is set
    while a worker has it.
    """

    __tablename__ = "comparison"
    __table_args__ = (
        Index(
            "comparison_one_per_section",
            "district_id",
            "section_id",
            unique=True,
            postgresql_where=text("status = 'processing'"),
        ),
        Index("comparison_log", "district_id", "section_id", "id"),
    )

    district_id: str = Field(sa_column=district_column())
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    section_id: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    requested_by: str = Field(sa_column=Column(Text, nullable=False))
    requested_at: datetime = Field(sa_column=time_column())
    started_at: datetime | None = Field(sa_column=time_column(null=True))
    finished_at: datetime | None = Field(sa_column=time_column(null=True))
    settles_by: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    counts: dict[str, int] = Field(sa_column=json_column("{}"))
    left_out: dict[str, int] = Field(sa_column=json_column("{}"))
    edits: dict[str, Any] = Field(sa_column=json_column("{}"))
    cells: bytes | None = Field(sa_column=Column(LargeBinary))
    error_code: str | None = Field(sa_column=Column(Text))
    error_detail: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    tries: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    lease_token: UUID | None = Field(sa_column=Column(Uuid))
    lease_until: datetime | None = Field(sa_column=time_column(null=True))
    not_before: datetime = Field(sa_column=time_column())
