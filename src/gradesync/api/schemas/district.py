"""Define the check of a district's connections, and how its settings differ from its file, as JSON."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from gradesync.api.schemas import RequestModel, ResponseModel, SchoologyId


class ConnectionCheckRequest(RequestModel):
    """Choose a sample section to check how its ids lead to the SIS. Without it, a linked one is used."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"section": "7900000001"}]})

    section: SchoologyId | None = None


class FileDifference(ResponseModel):
    """Describe one setting that differs."""

    setting: Annotated[str, Field(examples=["policy.runs"])]
    filed: Annotated[str | None, Field(description="In the operator's file; null: it is not set")]
    in_force: Annotated[str | None, Field(description="null: it is not set")]


class FileDifferences(ResponseModel):
    """List what differs from the operator's file, in the order of the file."""

    applied_at: Annotated[datetime | None, Field(description="null: no file was ever applied")]
    items: list[FileDifference]
