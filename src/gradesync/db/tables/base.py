"""Define what all tables share: the metadata, the base class, and recurring columns."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    DateTime,
    MetaData,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

metadata = MetaData()  # without naming conventions: migrations are written by hand


class Table(SQLModel, registry=registry(metadata=metadata)):
    """Base all tables on one metadata. Nothing is validated by them: their validators are not built."""

    model_config = {"defer_build": True}


def district_column(*, key: bool = True) -> Column[str]:
    """Make the column of the district: the transaction's by default, which row-level security enforces."""
    return Column(
        Text, primary_key=key, nullable=False, server_default=text("current_setting('gradesync.district')")
    )


def time_column(*, null: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=null, server_default=None if null else text("now()"))


def json_column(default: str | None = None) -> Column[Any]:
    return Column(JSONB, nullable=default is None, server_default=text(f"'{default}'") if default else None)
