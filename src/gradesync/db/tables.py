"""The tables, as SQLModel classes: the metadata that migrations are checked against.

Every table but the LTI tool's own keys has a district, and row-level security by it. Statements are written
against these tables; their rows become dataclasses in the query modules, and no table object leaves this
package.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

metadata = MetaData()
"""Names of indexes are given one by one: migrations are written by hand."""


class Table(SQLModel, registry=registry(metadata=metadata)):
    """The base of all tables."""


def _district(*, key: bool = True) -> Column[str]:
    """The district of the transaction: rows say it themselves, and row-level security holds them to it."""
    return Column(
        Text, primary_key=key, nullable=False, server_default=text("current_setting('gradesync.district')")
    )


def _time(*, null: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=null, server_default=None if null else text("now()"))


def _json(default: str | None = None) -> Column[Any]:
    return Column(JSONB, nullable=default is None, server_default=text(f"'{default}'") if default else None)


class DistrictRow(Table, table=True):
    """A tenant. `config` is public, `secrets` are sealed one by one, `facts` were learnt from its systems."""

    __tablename__ = "district"
    __table_args__ = (
        CheckConstraint("id <> ''", name="district_id_given"),
        Index(
            "district_lti",
            text("(config #>> '{lti,issuer}')"),
            text("(config #>> '{lti,client_id}')"),
            text("(config #>> '{lti,deployment_id}')"),
            unique=True,
        ),
        Index("district_lti11", text("(config #>> '{lti11,consumer_key}')"), unique=True),
    )

    id: str = Field(sa_column=Column(Text, primary_key=True))
    config: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    secrets: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    facts: dict[str, Any] = Field(sa_column=_json("{}"))
    category_titles: dict[str, str] = Field(sa_column=_json("{}"))
    created_at: datetime = Field(sa_column=_time())
    changed_at: datetime = Field(sa_column=_time())


class TurnRow(Table, table=True):
    """When a district's work was last claimed: who waited longest is served next."""

    __tablename__ = "turn"

    district_id: str = Field(sa_column=_district())
    served_at: datetime = Field(sa_column=_time())


class ClientRow(Table, table=True):
    """A district's API client. The secret is kept as its SHA-256: it has 256 random bits."""

    __tablename__ = "client"

    id: str = Field(sa_column=Column(Text, primary_key=True))
    district_id: str = Field(sa_column=_district(key=False))
    secret_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    created_at: datetime = Field(sa_column=_time())
    revoked_at: datetime | None = Field(sa_column=_time(null=True))


class SectionLinkRow(Table, table=True):
    """A Schoology section and the SIS section that it is linked to."""

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

    district_id: str = Field(sa_column=_district())
    section_id: str = Field(sa_column=Column(Text, primary_key=True))
    title: str = Field(sa_column=Column(Text, nullable=False))
    code: str | None = Field(sa_column=Column(Text))
    sis_key: str | None = Field(sa_column=Column(Text))
    sis: dict[str, Any] | None = Field(sa_column=_json())
    teacher: str | None = Field(sa_column=Column(Text))
    chosen: bool = Field(sa_column=Column(Boolean, nullable=False))
    students: dict[str, str] = Field(sa_column=_json("{}"))
    sis_categories: list[Any] = Field(sa_column=_json("[]"))
    categories_read_at: datetime | None = Field(sa_column=_time(null=True))
    last_full_read: datetime | None = Field(sa_column=_time(null=True))
    rules_hash: str = Field(sa_column=Column(Text, nullable=False))


class CategoryPairRow(Table, table=True):
    """A Schoology category and the SIS category that its assignments go to."""

    __tablename__ = "category_pair"

    district_id: str = Field(sa_column=_district())
    section_id: str = Field(sa_column=Column(Text, primary_key=True))
    category_id: str = Field(sa_column=Column(Text, primary_key=True))
    ref_key: str = Field(sa_column=Column(Text, nullable=False))
    ref_value: dict[str, Any] = Field(sa_column=_json("{}"))
    sis_title: str = Field(sa_column=Column(Text, nullable=False))
    chosen: bool = Field(sa_column=Column(Boolean, nullable=False))


class LedgerRow(Table, table=True):
    """One assignment of the ledger. `sent` is a compressed map; what is rare is null in most rows."""

    __tablename__ = "ledger"
    __table_args__ = (
        Index(
            "ledger_ref", "district_id", "ref_key", unique=True, postgresql_where=text("ref_key IS NOT NULL")
        ),
    )

    district_id: str = Field(sa_column=_district())
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


class CursorRow(Table, table=True):
    """The cursors of a section's assignments, apart from the ledger: they move at every sync."""

    __tablename__ = "section_cursor"

    district_id: str = Field(sa_column=_district())
    section_id: str = Field(sa_column=Column(Text, primary_key=True))
    read_through: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))


class SyncRow(Table, table=True):
    """A sync, from request to settlement. `lease_token` stands exactly while a worker has it."""

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
            "sync_leased",
            "district_id",
            postgresql_where=text("status = 'processing' AND lease_token IS NOT NULL"),
        ),
        Index("sync_due", "settles_by", postgresql_where=text("status = 'processing'")),
        Index("sync_log", "district_id", "section_id", "dry_run", "id"),
    )

    district_id: str = Field(sa_column=_district())
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    section_id: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    stage: str = Field(sa_column=Column(Text, nullable=False))
    applied: str = Field(sa_column=Column(Text, nullable=False))
    mode: str = Field(sa_column=Column(Text, nullable=False))
    dry_run: bool = Field(sa_column=Column(Boolean, nullable=False))
    selection: dict[str, Any] | None = Field(sa_column=_json())
    retry_of: UUID | None = Field(sa_column=Column(Uuid))
    approve: str | None = Field(sa_column=Column(Text))
    requested_by_kind: str = Field(sa_column=Column(Text, nullable=False))
    requested_by_id: str = Field(sa_column=Column(Text, nullable=False))
    requested_at: datetime = Field(sa_column=_time())
    started_at: datetime | None = Field(sa_column=_time(null=True))
    finished_at: datetime | None = Field(sa_column=_time(null=True))
    settles_by: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    done: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    total: int | None = Field(sa_column=Column(Integer))
    assignments: dict[str, int] = Field(sa_column=_json("{}"))
    scores: dict[str, int] = Field(sa_column=_json("{}"))
    warnings: dict[str, int] = Field(sa_column=_json("{}"))
    fingerprint: str | None = Field(sa_column=Column(Text))
    guard: dict[str, int] | None = Field(sa_column=_json())
    error_code: str | None = Field(sa_column=Column(Text))
    error_detail: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    lease_token: UUID | None = Field(sa_column=Column(Uuid))
    lease_until: datetime | None = Field(sa_column=_time(null=True))
    attempt: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    not_before: datetime = Field(sa_column=_time())


class OutcomeRow(Table, table=True):
    """What became of one assignment (`student_id` '') or one score. Unchanged ones have no row.

    The lengths in the key make its order the numeric order of ids.
    """

    __tablename__ = "outcome"

    district_id: str = Field(sa_column=_district())
    sync_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    assignment_length: int = Field(
        sa_column=Column(SmallInteger, Computed("length(assignment_id)", persisted=True), primary_key=True)
    )
    student_length: int = Field(
        sa_column=Column(SmallInteger, Computed("length(student_id)", persisted=True), primary_key=True)
    )
    assignment_id: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    student_id: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    title: str | None = Field(sa_column=Column(Text))
    result: str = Field(sa_column=Column(Text, nullable=False))
    reason: str | None = Field(sa_column=Column(Text))
    warnings: list[str] | None = Field(sa_column=Column(ARRAY(Text)))
    before: str | None = Field(sa_column=Column(Text))
    after: str | None = Field(sa_column=Column(Text))


class UsedTokenRow(Table, table=True):
    """The hash of an id_token that was exchanged: it is taken once."""

    __tablename__ = "used_token"

    district_id: str = Field(sa_column=_district())
    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class IdempotencyRow(Table, table=True):
    """The answer that an Idempotency-Key already has."""

    __tablename__ = "idempotency"

    district_id: str = Field(sa_column=_district())
    subject: str = Field(sa_column=Column(Text, primary_key=True))
    section_id: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    request_hash: str = Field(sa_column=Column(Text, nullable=False))
    response: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class AuditRow(Table, table=True):
    """Who did what: append-only, each entry carrying the hash of the one before."""

    __tablename__ = "audit"

    district_id: str = Field(sa_column=_district())
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    action: str = Field(sa_column=Column(Text, nullable=False))
    objects: str = Field(sa_column=Column(Text, nullable=False))
    source_ip: str | None = Field(sa_column=Column(Text))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class WebhookRow(Table, table=True):
    """An address that hears of settled syncs. Secrets are sealed; a replaced one signs too for a while."""

    __tablename__ = "webhook"

    district_id: str = Field(sa_column=_district())
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    url: str = Field(sa_column=Column(Text, nullable=False))
    secret: str = Field(sa_column=Column(Text, nullable=False))
    old_secret: str | None = Field(sa_column=Column(Text))
    old_until: datetime | None = Field(sa_column=_time(null=True))
    created_at: datetime = Field(sa_column=_time())


class DeliveryRow(Table, table=True):
    """One message for one webhook, until it arrived or was given up: the outbox and its log."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("delivery_due", "not_before", postgresql_where=text("status = 'pending'")),
        Index("delivery_log", "district_id", "webhook_id", "id"),
    )

    district_id: str = Field(sa_column=_district())
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    webhook_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    sync_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    payload: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    attempt: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    not_before: datetime = Field(sa_column=_time())
    created_at: datetime = Field(sa_column=_time())
    finished_at: datetime | None = Field(sa_column=_time(null=True))
    answer: int | None = Field(sa_column=Column(Integer))
    error: str | None = Field(sa_column=Column(Text))


class PreflightRow(Table, table=True):
    """A pre-flight report over many sections, in the order of their ids; `read_through` is the last one.

    `sections` null means all that the district has. `lease_token` stands while a worker has it.
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

    district_id: str = Field(sa_column=_district())
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    status: str = Field(sa_column=Column(Text, nullable=False))
    sections: list[str] | None = Field(sa_column=Column(ARRAY(Text)))
    requested_by: str = Field(sa_column=Column(Text, nullable=False))
    requested_at: datetime = Field(sa_column=_time())
    started_at: datetime | None = Field(sa_column=_time(null=True))
    finished_at: datetime | None = Field(sa_column=_time(null=True))
    settles_by: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    done: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    total: int = Field(sa_column=Column(Integer, nullable=False))
    found: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    reasons: dict[str, int] = Field(sa_column=_json("{}"))
    error_code: str | None = Field(sa_column=Column(Text))
    error_detail: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    read_through: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    tries: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    lease_token: UUID | None = Field(sa_column=Column(Uuid))
    lease_until: datetime | None = Field(sa_column=_time(null=True))
    not_before: datetime = Field(sa_column=_time())


class PreflightFindingRow(Table, table=True):
    """One thing that would not sync, or a warning: of a section, an assignment ('' for none) or a student."""

    __tablename__ = "preflight_finding"

    district_id: str = Field(sa_column=_district())
    preflight_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    section_id: str = Field(sa_column=Column(Text, nullable=False))
    section_code: str = Field(sa_column=Column(Text, nullable=False))
    assignment_id: str = Field(sa_column=Column(Text, nullable=False))
    title: str = Field(sa_column=Column(Text, nullable=False))
    student_id: str = Field(sa_column=Column(Text, nullable=False))
    result: str = Field(sa_column=Column(Text, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))


class ToolKeyRow(Table, table=True):
    """A private key of our LTI tool, sealed. It is the installation's, not a district's."""

    __tablename__ = "tool_key"

    id: str = Field(sa_column=Column(Text, primary_key=True))
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=_time())
