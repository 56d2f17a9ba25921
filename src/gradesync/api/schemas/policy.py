"""Define the district's policy, and a change of it, as JSON."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictBool, StrictInt

from gradesync.api.schemas.base import RequestModel, ResponseModel
from gradesync.core.sis import DriftPolicy


class Policy(ResponseModel):
    """Give the choices of the district."""

    title_overflow: Literal["skip", "shorten"]
    category_mapping: Literal["one_to_one", "many_to_one"]
    exception_flags: bool
    service_sync: bool
    admin_sync: bool
    take_over: bool
    runs: bool
    schedules: bool
    guard_share: Annotated[str, Field(examples=["0.3"])]
    mean_shift: Annotated[str, Field(examples=["15"])]
    guard_scores: int
    guard_assignments: int
    history_years: int
    drift: DriftPolicy
    compare_nightly: bool
    late_approval: bool


class PolicyChange(RequestModel):
    """Change choices of the district. Members that are left out stay as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title_overflow": "shorten"}]})

    title_overflow: Annotated[
        Literal["skip", "shorten"] | None,
        Field(description="What to do with titles that are too long for the SIS"),
    ] = None
    category_mapping: Annotated[
        Literal["one_to_one", "many_to_one"] | None,
        Field(description="Allow several Schoology categories of a section to go to one SIS category"),
    ] = None
    exception_flags: Annotated[
        StrictBool | None, Field(description="Also set the SIS's own missing and exempt marks")
    ] = None
    service_sync: Annotated[
        StrictBool | None, Field(description="Allow the district's clients to start syncs")
    ] = None
    admin_sync: Annotated[
        StrictBool | None, Field(description="Allow system admins to start syncs of other teachers' sections")
    ] = None
    take_over: Annotated[
        StrictBool | None, Field(description="Adopt SIS assignments of the same name that others created")
    ] = None
    runs: Annotated[StrictBool | None, Field(description="Allow runs: syncs of many sections at once")] = None
    schedules: Annotated[
        StrictBool | None, Field(description="Allow schedules: runs that begin at set times by themselves")
    ] = None
    guard_share: Annotated[
        Decimal | None,
        Field(
            gt=0,
            le=1,
            decimal_places=4,
            description="The share of changed scores or assignments that stops a sync until it is approved",
        ),
    ] = None
    mean_shift: Annotated[
        Decimal | None,
        Field(
            gt=0,
            le=100,
            decimal_places=2,
            description="Points by which one assignment may move a class average without a warning",
        ),
    ] = None
    guard_scores: Annotated[
        StrictInt | None,
        Field(
            ge=1,
            le=1_000_000,
            description="With fewer sent scores than this, the guard does not check scores",
        ),
    ] = None
    guard_assignments: Annotated[
        StrictInt | None,
        Field(
            ge=1,
            le=1_000_000,
            description="With fewer known assignments than this, the guard does not check assignments",
        ),
    ] = None
    history_years: Annotated[
        StrictInt | None,
        Field(
            ge=0,
            le=20,
            description="School years before the current one of which the history of scores is kept",
        ),
    ] = None
    drift: Annotated[
        DriftPolicy | None, Field(description="What becomes of a score that somebody changed in the SIS")
    ] = None
    compare_nightly: Annotated[
        StrictBool | None, Field(description="Compare every linked section with the SIS each night")
    ] = None
    late_approval: Annotated[
        StrictBool | None,
        Field(description="Changes after the end of a section's term wait until a second person approves"),
    ] = None
