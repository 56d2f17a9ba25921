"""Define the request for statements of many sections, and the summary of one, as JSON."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from gradesync.api.schemas.base import Day, Moment, RequestModel, ResponseModel, SchoologyId


class StatementRequest(RequestModel):
    """Choose the sections and the period of a file: all sections, and the school year, if not given.

    A day is one of the district's time zone: `from` means its beginning, and `to` its end.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"term": "2027-01-15", "to": "2027-01-31"}]})

    section: Annotated[
        SchoologyId | None, Field(description="Only this section; excludes `school` and `term`")
    ] = None
    school: Annotated[
        str | None, Field(min_length=1, max_length=200, description="Only sections of this school, by its id")
    ] = None
    term: Annotated[
        Day | None,
        Field(description="Only sections whose SIS term ends on this day; the period begins with it"),
    ] = None
    since: Annotated[Moment | Day | None, Field(alias="from", description="The beginning")] = None
    until: Annotated[
        Moment | Day | None, Field(alias="to", description="The end, which has passed; now, if not given")
    ] = None

    @model_validator(mode="after")
    def _check_choice(self) -> Self:
        if self.section is not None and (self.school is not None or self.term is not None):
            raise ValueError("a section has its own school and term")
        return self


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
