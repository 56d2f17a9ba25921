"""Define schedules as JSON."""

from datetime import datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from gradesync.api.schemas.base import Mode, RequestModel, ResponseModel, SchoologyId
from gradesync.api.schemas.pauses import SchoolId
from gradesync.api.schemas.runs import Decider

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAYS: tuple[Day, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["01:00"])]
SHORTEST = timedelta(minutes=15)
A_DAY = timedelta(days=1)


class ScheduleRequest(RequestModel):
    """Sync a school, a section, or the whole district where neither is given, on some days in a window."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"days": ["monday", "wednesday"], "begins": "01:00", "ends": "05:00"}]
        }
    )

    days: Annotated[list[Day], Field(min_length=1, max_length=7)]
    begins: Annotated[Clock, Field(description="By the district's clock")]
    ends: Annotated[
        Clock, Field(description="By the district's clock; on the next day unless it comes after `begins`")
    ]
    school: Annotated[SchoolId | None, Field(description="Only the sections of this school")] = None
    section: Annotated[SchoologyId | None, Field(description="Only this section")] = None
    mode: Mode = "changes"

    @model_validator(mode="after")
    def _check_request(self) -> "ScheduleRequest":
        if self.school is not None and self.section is not None:
            raise ValueError("school and section exclude each other")
        begins, ends = (
            timedelta(hours=moment.hour, minutes=moment.minute)
            for moment in map(time.fromisoformat, (self.begins, self.ends))
        )
        if (ends - begins) % A_DAY and (ends - begins) % A_DAY < SHORTEST:
            raise ValueError("the window is shorter than 15 minutes")
        return self


class NextWindow(ResponseModel):
    """Forecast the next window of a schedule."""

    begins: datetime
    ends: datetime
    sections: Annotated[int, Field(description="The sections that it covers now")]
    room: Annotated[
        int,
        Field(description="How many of them it has time for; the others come first the next time"),
    ]
    finishes_by: Annotated[datetime, Field(description="When the last of these has ended")]


class Schedule(ResponseModel):
    """Describe a schedule, with its next window as it looks now."""

    id: UUID
    level: Literal["district", "school", "section"]
    school: str | None
    section: str | None
    days: list[Day]
    begins: str
    ends: str
    timezone: Annotated[str, Field(description="The district's, in which the times are meant")]
    mode: Mode
    decided_by: Decider
    created_at: datetime
    next: NextWindow
