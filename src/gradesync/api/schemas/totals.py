"""Define why totals differ as JSON."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from gradesync.api.schemas.base import Day, Points, RequestModel, ResponseModel, SchoologyId, SisId
from gradesync.api.schemas.sections import GradingPeriod
from gradesync.api.schemas.syncs import OutcomeStudent

Formula = Literal["total-points", "category-weights"]
Weight = Annotated[Decimal, Field(ge=0, le=10_000, max_digits=10)]
Cause = Literal[
    "not-sent",
    "unsynced-change",
    "changed-in-sis",
    "only-in-sis",
    "other-grading-period",
    "excused-against-zero",
    "score-rounded",
    "dropped-lowest",
    "factor",
    "calculation",
    "category-weight",
    "category-rounding",
]


class SisSetup(RequestModel):
    """Describe how the SIS computes grades, which no SIS shows. What is left out is assumed, and listed."""

    formula: Annotated[Formula | None, Field(description="The SIS's formula; null for both")] = None
    weights: Annotated[
        dict[SisId, Weight] | None, Field(max_length=100, description="By the id of the SIS category")
    ] = None
    dropped: Annotated[
        dict[SisId, Annotated[int, Field(ge=0, le=100)]] | None,
        Field(max_length=100, description="How many lowest scores it drops, by the id of the SIS category"),
    ] = None
    first: Annotated[Day | None, Field(description="First day of the SIS's reporting term")] = None
    last: Annotated[Day | None, Field(description="Last day of the SIS's reporting term")] = None
    decimals: Annotated[
        int | None, Field(ge=0, le=6, description="Decimals to which the SIS rounds a category's percent")
    ] = None

    @model_validator(mode="after")
    def _check_days(self) -> "SisSetup":
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError("the term ends before it begins")
        return self


class TotalsRequest(RequestModel):
    """Choose whose totals to explain, and for which grading period."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"student": "5790101", "sis": {"formula": "category-weights", "weights": {"31": 40}}}
            ]
        }
    )

    student: Annotated[SchoologyId | None, Field(description="Schoology user id; null for the class")] = None
    period: Annotated[
        SchoologyId | None, Field(description="Grading period; null for the one that runs today")
    ] = None
    sis: SisSetup = SisSetup()


class TotalCell(ResponseModel):
    """Name one item or category that a cause is about, as each side has it."""

    assignment: Annotated[
        str | None,
        Field(
            description="Schoology id; with `sis:` before it the SIS's, where only the SIS has it; "
            "null of a category"
        ),
    ]
    category: Annotated[str | None, Field(description="Schoology id of a whole category; null of an item")]
    title: str
    schoology: str | None
    sis: str | None
    reason: Annotated[str | None, Field(description="Code of the reason that kept it from the SIS")]


class TotalCause(ResponseModel):
    """Describe one cause of a difference. Over all causes, `worth` adds up to the difference."""

    code: Cause
    title: str
    fix: str
    worth: Annotated[Points | None, Field(description="Points of percent; null where a side has no total")]
    cells: list[TotalCell]


class FormulaTotal(ResponseModel):
    """Compare a student's total in Schoology with the one by a formula of the SIS, in percent."""

    formula: Formula
    schoology: Annotated[Points | None, Field(examples=["87.25"])]
    sis: Annotated[Points | None, Field(examples=["85.00"])]
    difference: Annotated[Points | None, Field(description="The SIS's total less Schoology's")]
    causes: Annotated[list[TotalCause], Field(description="Largest first; empty where nothing differs")]
    exact: Annotated[
        bool,
        Field(description="False beyond eight causes: each worth is then its mean over some of their orders"),
    ]


class StudentTotals(ResponseModel):
    """Hold one student's totals."""

    student: OutcomeStudent
    totals: list[FormulaTotal]


class Assumption(ResponseModel):
    """Name a fact that no system shows, and what was assumed instead."""

    code: Annotated[str, Field(examples=["sis-category-weights"])]
    text: str


class Totals(ResponseModel):
    """Explain why totals differ in Schoology and in the SIS."""

    as_of: datetime
    period: Annotated[GradingPeriod | None, Field(description="Null: all items count together")]
    first: Annotated[date, Field(description="First day of the SIS's reporting term, as it was used")]
    last: Annotated[date, Field(description="Last day of the SIS's reporting term, as it was used")]
    students: list[StudentTotals]
    assumed: list[Assumption]
    names_unavailable: Annotated[
        bool, Field(description="True: Schoology did not provide the students' names")
    ] = False
