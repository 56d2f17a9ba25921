"""Define the overview of a district as JSON."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from gradesync.api.schemas.base import ReasonText, ResponseModel


class SectionCounts(ResponseModel):
    """Count sections by what their last syncs came to."""

    all_sent: int
    needs_attention: int
    stopped_for_review: int
    failed: int


class AllSectionCounts(SectionCounts):
    """Count sections by what their last syncs came to, and those that no sync has settled yet."""

    never_synced: int
    total: int


class SchoolCounts(ResponseModel):
    """Count the sections of a school."""

    school: Annotated[str | None, Field(description="Its id in Schoology; null: not known")]
    sections: AllSectionCounts
    links: Mapping[str, str]


class TermCounts(ResponseModel):
    """Count the sections of a term."""

    first: Annotated[date | None, Field(description="The first day of the term; null: not known")]
    last: date | None
    sections: AllSectionCounts
    links: Mapping[str, str]


class DayCounts(ResponseModel):
    """Count the sections as they stood at the end of a day; one counts from its first sync on."""

    day: Annotated[date, Field(description="A day in the district's time zone")]
    sections: SectionCounts


class ReasonCounts(ResponseModel):
    """Count the sections in which a reason needs attention."""

    reason: ReasonText
    sections: int
    items: Annotated[int, Field(description="Assignments, scores and syncs with the reason")]
    links: Annotated[Mapping[str, str], Field(description="`sections`: the sections behind it")]


class QueueState(ResponseModel):
    """Count the syncs that have not settled."""

    running: int
    ready: Annotated[int, Field(description="They start as soon as a worker may")]
    later: Annotated[int, Field(description="They wait until a time, such as one that a system named")]
    paused: int
    oldest: Annotated[datetime | None, Field(description="When the oldest that waits was requested")]
    next_at: Annotated[datetime | None, Field(description="When the first of `later` may start")]
    settled_by: Annotated[
        datetime | None, Field(description="When the last settles at the latest, paused ones apart")
    ]


class SystemState(ResponseModel):
    """Describe how a system can be called now."""

    system: Annotated[str, Field(examples=["schoology", "powerschool"])]
    known: Annotated[bool, Field(description="False while the state that workers share cannot be read")]
    circuit_open: Annotated[bool, Field(description="True: it failed so often that no new sync calls it")]
    calls_used: Annotated[int, Field(description="Calls in the last window")]
    calls_limit: Annotated[int | None, Field(description="The most calls in a window; null: no limit")]
    window_seconds: float
    paused_seconds: Annotated[float, Field(description="For so long the system asked for no calls")]


class Overview(ResponseModel):
    """Describe a district at a glance."""

    as_of: datetime
    sections: AllSectionCounts
    schools: Annotated[list[SchoolCounts], Field(description="Those with most sections first, at most 200")]
    terms: Annotated[list[TermCounts], Field(description="Those with most sections first, at most 200")]
    days: Annotated[list[DayCounts], Field(description="The last 30 days, the oldest first")]
    reasons: Annotated[list[ReasonCounts], Field(description="Those in most sections first, at most 200")]
    queue: QueueState
    systems: list[SystemState]
