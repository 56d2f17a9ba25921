"""Define the tables of districts, of who may act for them, and of what was done."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from gradesync.db.tables.base import Table, district_column, json_column, time_column


class DistrictRow(Table, table=True):
    """Store a tenant. `config` is public, `secrets` are sealed one by one, `facts` are about its systems.

    `filed` is the `config` of the file that the operator applied last.
    """

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
    facts: dict[str, Any] = Field(sa_column=json_column("{}"))
    category_titles: dict[str, str] = Field(sa_column=json_column("{}"))
    created_at: datetime = Field(sa_column=time_column())
    changed_at: datetime = Field(sa_column=time_column())
    filed: dict[str, Any] | None = Field(sa_column=Column(JSONB))
    filed_at: datetime | None = Field(sa_column=time_column(null=True))


class TurnRow(Table, table=True):
    """Store when a district's work was last claimed: the one that waited longest is served next.

    `waiting`: it has queued syncs. It is written under the lock of claims, or a claim could miss it.
    """

    __tablename__ = "turn"
    __table_args__ = (Index("turn_waiting", "served_at", "district_id", postgresql_where=text("waiting")),)

    district_id: str = Field(sa_column=district_column())
    served_at: datetime = Field(sa_column=time_column())
    waiting: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))


class ClientRow(Table, table=True):
    """Store a district's API client, with the SHA-256 of its secret of 256 random bits.

    Replaced secrets are accepted too until `old_until`: `old_secret_hash` has one hash or two, joined.
    """

    __tablename__ = "client"

    id: str = Field(sa_column=Column(Text, primary_key=True))
    district_id: str = Field(sa_column=district_column(key=False))
    secret_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    created_at: datetime = Field(sa_column=time_column())
    revoked_at: datetime | None = Field(sa_column=time_column(null=True))
    name: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    created_by: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    old_secret_hash: bytes | None = Field(sa_column=Column(LargeBinary))
    old_until: datetime | None = Field(sa_column=time_column(null=True))
    last_used_at: datetime | None = Field(sa_column=time_column(null=True))


class ToolKeyRow(Table, table=True):
    """Store a sealed private key of our LTI tool: the installation's, not a district's."""

    __tablename__ = "tool_key"

    id: str = Field(sa_column=Column(Text, primary_key=True))
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=time_column())


class UsedTokenRow(Table, table=True):
    """Store the hash of an id_token that was exchanged: it is accepted once."""

    __tablename__ = "used_token"

    district_id: str = Field(sa_column=district_column())
    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class InvitationRow(Table, table=True):
    """Store who may set up a district: the hash of a link that is good once, then that of its session."""

    __tablename__ = "invitation"

    district_id: str = Field(sa_column=district_column())
    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    session_hash: bytes | None = Field(sa_column=Column(LargeBinary))


class AuditRow(Table, table=True):
    """Store an entry of the audit log, whose hash covers the entry before it."""

    __tablename__ = "audit"

    district_id: str = Field(sa_column=district_column())
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    action: str = Field(sa_column=Column(Text, nullable=False))
    objects: str = Field(sa_column=Column(Text, nullable=False))
    source_ip: str | None = Field(sa_column=Column(Text))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
