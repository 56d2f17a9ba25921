"""How the stand-in answers where the evidence is open, and what a district may have set."""

from dataclasses import dataclass, field
from typing import Literal

INFERRED = frozenset(
    {"name", "due_date", "category", "duplicate", "locked_term", "points", "scores_need_update", "score_text"}
)
"""Refusals that the contract infers (R3, third list). Each one can be switched off; `negative_score` on."""


@dataclass
class Switches:
    """Every field can be changed while the server answers."""

    expires_in: int = 2_504_956
    expires_in_as: Literal["string", "number"] = "string"
    page_cap: int = 100
    inferred: set[str] = field(default_factory=lambda: set(INFERRED))
    assignment_section_ids_header: bool = False
    """Send `AssignmentSectionIds` with a created assignment: seen with a teacher's session only (4.1)."""
    spanning: bool = True
    """Take a batch of scores of several assignments: natural by the contract, not measured."""
    spanning_status: Literal[400, 409] = 409
    bad_students: Literal["all", "first"] = "all"
    """Which students a 409 names: one was seen, several were never tried."""
    clears: Literal["null", "refuse"] = "null"
    """What a row with null points and null text does: clearing is a guess (4.4)."""
    cleared_row: Literal["kept", "gone"] = "kept"
    """Whether a cleared score stays in ASSIGNMENTSCORE as a row without values."""
    dropped_cc: Literal["negative", "kept"] = "negative"
    """Whether CC shows the section id of a dropped row negated or as it was. The contract is silent."""
    batch_limit: int | None = None
    batch_status: Literal[400, 413] = 413
    resubmit_next: int = 0
    """So many of the next score writes answer 412 once each."""
    gone_status: Literal[404, 500] = 404
    """How a deleted assignment answers when it is asked for by its id."""
    update_status: Literal[200, 201, 204] = 201
    update_scores_does: Literal["keep", "scale"] = "keep"
    """What `update_scores=true` does to scores that exist: never measured."""
    min_interval_ms: int = 0
    """The admin setting "minimum time interval between API requests per plugin"; 0 is off (5)."""
    throttle_status: Literal[429, 503, 403] = 429
    throttle_says: Literal["header", "text"] = "header"
    breach_mitigation: bool = True
    clock_skew: float = 0.0
    """Seconds PowerSchool's clock is ahead of the machine's: its answers are dated by it."""
    latency: float = 0.0
    """Seconds added to every answer."""
