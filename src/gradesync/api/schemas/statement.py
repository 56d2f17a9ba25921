"""Define the summary of a section's statement as JSON."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from gradesync.api.schemas.base import ResponseModel


class ScoreBalance(ResponseModel):
    """Count scores, blanks apart, and add up their points. A movement has by how much it moves them."""

    scores: int
    points: Annotated[str, Field(examples=["412.5"])]


class UnknownPart(ResponseModel):
    """Name something that could not be read or is not kept; `at`: since when, or when it was tried."""

    reason: Annotated[str, Field(examples=["not-compared"])]
    at: datetime | None
    lines: int


class AuditEnd(ResponseModel):
    """Identify the end of the audit log by the end of the period."""

    entries: int
    head: str


class Statement(ResponseModel):
    """Sum up what became of a section's scores after `from`, up to `to`.

    In `totals` the opening balance and all movements add up to the closing balance. `rows` counts the lines
    by kind, failed and owed scores among them. The lines are in the file.
    """

    section_id: str
    since: Annotated[datetime, Field(serialization_alias="from")]
    until: Annotated[datetime, Field(serialization_alias="to")]
    totals: dict[str, ScoreBalance]
    rows: dict[str, int]
    after_term: Annotated[int, Field(description="Changes after the end of the section's term")]
    unknown: list[UnknownPart]
    audit: AuditEnd
