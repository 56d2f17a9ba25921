"""Define the bodies of bulk imports and of mappings."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from gradesync.api.schemas.base import RequestModel, ResponseModel, SchoologyId, SisId

Title = Annotated[
    str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["Homework"])
]


class LinkRow(RequestModel):
    """Define one row of a link import."""

    section: SchoologyId
    sis_section: SisId | None = None
    teacher: SisId | None = None


class PairRow(RequestModel):
    """Define one row of a pair import: both categories by id or by title."""

    section: SchoologyId
    category: Title
    sis_category: Title


class RowResult(ResponseModel):
    """Give the result of one row. A failed row does not stop the others."""

    row: Annotated[int, Field(description="The number of the row, from 1, without the heading")]
    section: str | None
    result: Literal["done", "failed", "not-attempted"]
    code: Annotated[
        str | None, Field(description="The code of the problem or reason", examples=["sis-section-not-found"])
    ]
    detail: Annotated[str | None, Field(description="What is wrong, and how to fix it")]


class ImportReport(ResponseModel):
    """Report on every row. Rows that were not attempted in time can be sent again unchanged."""

    done: int
    failed: int
    not_attempted: int
    rows: list[RowResult]


class CopyRequest(RequestModel):
    """Choose the sections that get the same mapping, such as linked sections of one teacher."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sections": ["7900000002", "7900000003"]}]})

    sections: Annotated[list[SchoologyId], Field(min_length=1, max_length=100)]


class CopyResult(ResponseModel):
    """Give the result for one section."""

    section: str
    result: Literal["done", "failed", "not-attempted"]
    pairs: Annotated[int, Field(description="How many pairs were set")]
    left_out: Annotated[
        list[str], Field(description="Titles that this section or its SIS section does not have")
    ]
    code: str | None
    detail: str | None


class CopyReport(ResponseModel):
    """Report on every section."""

    sections: list[CopyResult]


class TitleRule(RequestModel):
    """Send a Schoology category to a SIS category of another title, in every section that has both."""

    title: Title
    sis_title: Title


class TitleRulesRequest(RequestModel):
    """Set all title rules of the district. Where none applies, equal titles pair."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rules": [{"title": "HW", "sis_title": "Homework"}]}]}
    )

    rules: Annotated[list[TitleRule], Field(max_length=500)]


class TitleRules(ResponseModel):
    """List the title rules of the district."""

    rules: list[TitleRule]
