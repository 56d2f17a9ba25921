"""Define the tables of webhooks and their deliveries."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Index, Integer, Text, Uuid, text
from sqlmodel import Field

from gradesync.db.tables.base import Table, district_column, time_column


class WebhookRow(Table, table=True):
    """Store an address that is notified of settled syncs.

    Replaced secrets sign too for a while: `old_secret` has one or two, with a space between them.
    """

    __tablename__ = "webhook"

    district_id: str = Field(sa_column=district_column())
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    url: str = Field(sa_column=Column(Text, nullable=False))
    secret: str = Field(sa_column=Column(Text, nullable=False))
    old_secret: str | None = Field(sa_column=Column(Text))
    old_until: datetime | None = Field(sa_column=time_column(null=True))
    created_at: datetime = Field(sa_column=time_column())


class DeliveryRow(Table, table=True):
    """Store one message to one webhook, also after its delivery: the outbox and its log."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("delivery_due", "not_before", postgresql_where=text("status = 'pending'")),
        Index("delivery_log", "district_id", "webhook_id", "id"),
    )

    district_id: str = Field(sa_column=district_column())
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    webhook_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    sync_id: UUID | None = Field(sa_column=Column(Uuid))
    payload: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    attempt: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    not_before: datetime = Field(sa_column=time_column())
    created_at: datetime = Field(sa_column=time_column())
    finished_at: datetime | None = Field(sa_column=time_column(null=True))
    answer: int | None = Field(sa_column=Column(Integer))
    error: str | None = Field(sa_column=Column(Text))
    event: str = Field(sa_column=Column(Text, nullable=False, server_default=text("'sync.settled'")))
