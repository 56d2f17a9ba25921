"""Define what all bodies of the API share."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
)

from gradesync.core.fit import is_visible
from gradesync.db.codec import is_storable

T = TypeVar("T")
A_DAY = timedelta(days=1)
FORM_OF_DAYS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}$", re.ASCII)
FORM_OF_MOMENTS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}", re.ASCII)


def check_storable(value: T) -> T:
    """Return a value that can be stored. Raises `ValueError` for NUL and for halves of characters."""
    if not is_storable(value):
        raise ValueError("it has a character that no text can have")
    return value


def check_visible(value: str) -> str:
    """Return a text that people can read. Raises `ValueError` for spaces and invisible characters alone."""
    if not is_visible(value):
        raise ValueError("it has no visible character")
    return value


def _check_form(value: object, form: re.Pattern[str], example: str) -> object:
    """Refuse a number, also one in a text: `20261201` would be a moment of the year 1970."""
    if isinstance(value, date) or (isinstance(value, str) and form.match(value)):
        return value
    raise ValueError(f"it is not written as {example}")


def _in_utc(value: datetime) -> datetime:
    try:
        moment = value.astimezone(UTC)
        _ = moment - A_DAY, moment + A_DAY  # every zone's clock can show it
    except OverflowError:
        raise ValueError("it is outside the calendar") from None
    return moment


# What a client sends outside of a body. Bodies check themselves.
PlainText = Annotated[str, AfterValidator(check_storable)]
# A reason that a person gives: something must be there to read.
Why = Annotated[PlainText, Field(min_length=1, max_length=300), AfterValidator(check_visible)]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(partial(_check_form, form=FORM_OF_MOMENTS, example="2026-12-01T08:00:00Z")),
    AfterValidator(_in_utc),
]
Day = Annotated[date, BeforeValidator(partial(_check_form, form=FORM_OF_DAYS, example="2026-12-01"))]

SchoologyId = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,19}$", examples=["7900000001"])]
SisId = Annotated[str, Field(min_length=1, max_length=200, examples=["49355"])]
Points = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", examples=["9.5"])]
Fingerprint = Annotated[str, Field(pattern=r"^[A-Za-z0-9:_-]{8,128}$", examples=["5d0c3a77e2b14f60"])]

Mode = Literal["changes", "full"]
Status = Literal["processing", "complete", "failed"]
SyncResult = Literal["all-sent", "needs-attention", "stopped-for-review", "failed"]
Who = Literal["you", "admin"]

Item = TypeVar("Item")


class RequestModel(BaseModel):
    """Define a body that a client sends: unknown members are refused, and text that cannot be stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    _check_texts = field_validator("*", mode="before")(check_storable)


class ResponseModel(BaseModel):
    """Define a body that the API sends."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class Page(ResponseModel, Generic[Item]):
    """Hold one page of a list. `next_cursor` is null on the last one, which has no `Link: rel="next"`."""

    items: list[Item]
    next_cursor: str | None = None


class ReasonText(ResponseModel):
    """Give a reason of the catalog: what happened, and what to do about it."""

    code: Annotated[str, Field(examples=["mass-change"])]
    title: str
    title_many: Annotated[
        str | None,
        Field(
            description="The title for several students, with `{students}` for their number; null unless a "
            "student is the cause, whatever the assignment"
        ),
    ] = None
    explanation: Annotated[
        str, Field(description="What happened, with the facts: dates, lengths, points; else the title")
    ]
    fix: str
    who: Annotated[Who, Field(description="Who can apply the fix: the teacher, or an administrator")]
    retryable: bool
    needs_attention: Annotated[
        bool, Field(description="The SIS lacks something or differs, and no teacher chose that")
    ]


class Approval(ResponseModel):
    """Explain who may approve a plan that waits, and until when."""

    until: datetime
    by_caller: Annotated[
        bool,
        Field(
            description="Whoever reads this may approve it. False: they may not start syncs, or changes "
            "after the term's end need someone who has not asked for them, and a preview asks for none"
        ),
    ]


class Paused(ResponseModel):
    """Explain a pause to a teacher."""

    reason: Annotated[str, Field(description="Why, in the district's words")]
    since: datetime
