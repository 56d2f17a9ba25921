"""Define the tables of sections: links, category pairs, the ledger, cursors, and results of last syncs."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Index,
    LargeBinary,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from gradesync.db.tables.base import Table, district_column, json_column, time_column


class SectionLinkRow(Table, table=True):
    """Store a Schoology section and the SIS section that it is linked to."""

    __tablename__ = "section_link"
    __table_args__ = (
        Index(
            "section_link_sis",
            "district_id",
            "sis_key",
            unique=True,
            postgresql_where=text("sis_key IS NOT NULL"),
        ),
    )

    district_id: str = Field(sa_column=district_column())
    section_id: str = Field(sa_column=Column(Text, primary_key=True))
    title: str = Field(sa_column=Column(Text, nullable=False))
    code: str | None = Field(sa_column=Column(Text))
    sis_key: str | None = Field(sa_column=Column(Text))
    sis: dict[str, Any] | None = Field(sa_column=json_column())
    teacher: str | None = Field(sa_column=Column(Text))
    chosen: bool = Field(sa_column=Column(Boolean, nullable=False))
    students: dict[str, str] = Field(sa_column=json_column("{}"))
    departed: dict[str, str] = Field(sa_column=json_column("{}"))
    sis_categories: list[Any] = Field(sa_column=json_column("[]"))
    categories_read_at: datetime | None = Field(sa_column=time_column(null=True))
    last_full_read: datetime | None = Field(sa_column=time_column(null=True))
    rules_hash: str = Field(sa_column=Column(Text, nullable=False))
    school: str | None = Field(sa_column=Column(Text))
    reassigned: dict[str, str] = Field(sa_column=json_column("{}"))


class CategoryPairRow(Table, table=True):
    """Store a Schoology category and the SIS category that its assignments go to."""

    __tablename__ = "category_pair"

    district_id: str = Field(sa_column=district_column())
    section_id: str = Field(sa_column=Column(Text, primary_key=True))
    category_id: str = Field(sa_column=Column(Text, primary_key=True))
    ref_key: str = Field(sa_column=Column(Text, nullable=False))
    ref_value: dict[str, Any] = Field(sa_column=json_column("{}"))
    sis_title: str = Field(sa_column=Column(Text, nullable=False))
    chosen: bool = Field(sa_column=Column(Boolean, nullable=False))


class LedgerRow(Table, table=True):
    """Store one assignment of the ledger. `scores` is a compressed map; what is rare is null in most rows.

    `scores` and `doubts` are by SIS student key. `sent` and `doubtful` are the same by student uid, as
    processes of before revision 0002 wrote them.
    """

    __tablename__ = "ledger"
    __table_args__ = (
        Index(
            "ledger_ref", "district_id", "ref_key", unique=True, postgresql_where=text("ref_key IS NOT NULL")
        ),
    )

    district_id: str = Field(sa_column=district_column())
    section_id: str = Field(sa_column=Column(Text, primary_key=True))
    assignment_id: str = Field(sa_column=Column(Text, primary_key=True))
    ref_key: str | None = Field(sa_column=Column(Text))
    ref_value: str | None = Field(sa_column=Column(Text))
    spec: str | None = Field(sa_column=Column(Text))
    sent: bytes | None = Field(sa_column=Column(LargeBinary))
    owed: str | None = Field(sa_column=Column(Text))
    doubtful: str | None = Field(sa_column=Column(Text))
    intent: str | None = Field(sa_column=Column(Text))
    problem: str | None = Field(sa_column=Column(Text))
    opted_out: bool = Field(sa_column=Column(Boolean, nullable=False))
    may_hold: bool = Field(sa_column=Column(Boolean, nullable=False))
    scores: bytes | None = Field(sa_column=Column(LargeBinary))
    doubts: str | None = Field(sa_column=Column(Text))
    former: str | None = Field(sa_column=Column(Text))
    shown: str | None = Field(sa_column=Column(Text))
    sent_at: datetime | None = Field(sa_column=time_column(null=True))
    decisions: dict[str, Any] | None = Field(sa_column=json_column())


class CursorRow(Table, table=True):
    """Store the cursors of a section's assignments, apart from the ledger: they move at every sync."""

    __tablename__ = "section_cursor"

    district_id: str = Field(sa_column=district_column())
    section_id: str = Field(sa_column=Column(Text, primary_key=True))
    read_through: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))


class SectionStateRow(Table, table=True):
    """Store what a section's last sync came to, and the section as that sync read it.

    `reasons` counts what needs attention by code. `categories` are [title, items, SIS title or null, chosen].
    `teachers` are names of course admins by uid: staff, never students.
    """

    __tablename__ = "section_state"

    district_id: str = Field(sa_column=district_column())
    section_id: str = Field(sa_column=Column(Text, primary_key=True))
    sync_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    result: str = Field(sa_column=Column(Text, nullable=False))
    reasons: dict[str, int] = Field(sa_column=json_column("{}"))
    settled_at: datetime = Field(sa_column=time_column())
    title: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    code: str | None = Field(sa_column=Column(Text))
    school: str | None = Field(sa_column=Column(Text))
    teachers: dict[str, str] = Field(sa_column=json_column("{}"))
    term_first: date | None = Field(sa_column=Column(Date))
    term_last: date | None = Field(sa_column=Column(Date))
    categories: list[Any] = Field(sa_column=json_column("[]"))


class SectionChangeRow(Table, table=True):
    """Store that a section's last sync came to something else than the one before; `day` in its zone."""

    __tablename__ = "section_change"
    __table_args__ = (Index("section_change_day", "district_id", "day", "before", "after"),)

    district_id: str = Field(sa_column=district_column())
    sync_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    section_id: str = Field(sa_column=Column(Text, nullable=False))
    before: str | None = Field(sa_column=Column(Text))
    after: str = Field(sa_column=Column(Text, nullable=False))
    day: date = Field(sa_column=Column(Date, nullable=False))
