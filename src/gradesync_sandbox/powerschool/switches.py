"""Switch the simulator's behavior where the evidence is open, or districts differ."""

from dataclasses import dataclass, field
from typing import Literal

# Refusals that are inferred, not observed. Each one can be switched off; `negative_score` on.
INFERRED = frozenset(
    {"name", "due_date", "category", "duplicate", "locked_term", "points", "scores_need_update", "score_text"}
)


@dataclass
class Switches:
    """Hold the switches. Every field can be changed while the server runs."""

    expires_in: int = 2_504_956
    expires_in_as: Literal["string", "number"] = "string"
    page_cap: int = 100
    inferred: set[str] = field(default_factory=lambda: set(INFERRED))
    # Send `AssignmentSectionIds` with a created assignment: seen with a teacher's session only
    # (upstream.md PowerSchool §4.1).
    assignment_section_ids_header: bool = False
    # Take a batch of scores of several assignments: natural, not measured.
    spanning: bool = True
    spanning_status: Literal[400, 409] = 409
    # The students that a 409 names: one was seen, several were never tried.
    bad_students: Literal["all", "first"] = "all"
    # The effect of a row with null points and null text: clearing is a guess (upstream.md PowerSchool §4.4).
    clears: Literal["null", "refuse"] = "null"
    # A cleared score stays in ASSIGNMENTSCORE as a row without values, or goes.
    cleared_row: Literal["kept", "gone"] = "kept"
    # Whether CC shows the section id of a dropped row negated or as it was. No source shows it.
    dropped_cc: Literal["negative", "kept"] = "negative"
    batch_limit: int | None = None
    batch_status: Literal[400, 413] = 413
    # So many of the next score writes answer 412 once each.
    resubmit_next: int = 0
    # How a deleted assignment answers when it is asked for by its id.
    gone_status: Literal[404, 500] = 404
    update_status: Literal[200, 201, 204] = 201
    # What `update_scores=true` does to scores that exist: never measured.
    update_scores_does: Literal["keep", "scale"] = "keep"
    # The admin setting "minimum time interval between API requests per plugin"; 0 is off
    # (upstream.md PowerSchool §5).
    min_interval_ms: int = 0
    throttle_status: Literal[429, 503, 403] = 429
    throttle_hint: Literal["header", "text"] = "header"
    breach_mitigation: bool = True
    # Seconds PowerSchool's clock is ahead of the machine's: its answers are dated by it.
    clock_skew: float = 0.0
    # Seconds added to every answer.
    latency: float = 0.0
