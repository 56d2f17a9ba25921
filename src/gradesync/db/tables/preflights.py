"""Define the tables of pre-flight reports and their findings."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Column, DateTime, Index, Integer, Text, Uuid, text
from sqlmodel import Field

from gradesync.db.tables.base import Table, district_column, json_column, time_column


class PreflightRow(Table, table=True):
    """Store a pre-flight report over many sections, in the order of their ids up to `read_through`.

    `sections` null means all of the district. `lease_token` is set while a worker has it.
    """

    __tablename__ = "preflight"
    __table_args__ = (
        Index(
            "preflight_one_per_district",
            "district_id",
            unique=True,
            postgresql_where=text("status = 'processing'"),
        ),
    )

    district_id: str = Field(sa_column=district_column())
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    status: str = Field(sa_column=Column(Text, nullable=False))
    sections: list[str] | None = Field(sa_column=Column(ARRAY(Text)))
    requested_by: str = Field(sa_column=Column(Text, nullable=False))
    requested_at: datetime = Field(sa_column=time_column())
    started_at: datetime | None = Field(sa_column=time_column(null=True))
    finished_at: datetime | None = Field(sa_column=time_column(null=True))
    settles_by: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    done: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    total: int = Field(sa_column=Column(Integer, nullable=False))
    found: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    reasons: dict[str, int] = Field(sa_column=json_column("{}"))
    error_code: str | None = Field(sa_column=Column(Text))
    error_detail: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    read_through: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    tries: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    lease_token: UUID | None = Field(sa_column=Column(Uuid))
    lease_until: datetime | None = Field(sa_column=time_column(null=True))
    not_before: datetime = Field(sa_column=time_column())


class PreflightFindingRow(Table, table=True):
    """Store what would not sync, or a warning: of a section, an assignment ('' for none) or a student."""

    __tablename__ = "preflight_finding"

    district_id: str = Field(sa_column=district_column())
    preflight_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    section_id: str = Field(sa_column=Column(Text, nullable=False))
    section_code: str = Field(sa_column=Column(Text, nullable=False))
    assignment_id: str = Field(sa_column=Column(Text, nullable=False))
    title: str = Field(sa_column=Column(Text, nullable=False))
    student_id: str = Field(sa_column=Column(Text, nullable=False))
    result: str = Field(sa_column=Column(Text, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    category: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
