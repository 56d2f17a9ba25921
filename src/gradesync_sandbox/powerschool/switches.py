"""Switch the simulator's behavior where the evidence is open, or districts differ."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

NameForm = Literal["trim", "collapse", "nfc", "cut"]

# Refusals that are inferred, not observed. Each one can be switched off; `negative_score` on.
INFERRED = frozenset(
    {"name", "due_date", "category", "duplicate", "locked_term", "points", "scores_need_update", "score_text"}
)

ScoreFaultKind = Literal["poison", "omit", "forget", "alter", "misreport", "mute", "extra", "empty", "unmark"]


@dataclass
class ScoreFault:
    """Bend the next score writes that hold a matching row, `times` times (None: for ever).

    poison: 500 for the whole batch, naming nobody. omit: neither stored nor in the response. forget: in the
    response, not stored. mute: stored, not in the response. alter: `points` stored and in the response.
    misreport: stored, the response shows `points`. extra: one row more in the response, of `student`.
    empty: everything is stored, 200 without a body. unmark: stored without its marks.
    """

    kind: ScoreFaultKind
    student: int | None = None  # STUDENTS.DCID; None is every student
    part: int | None = None  # ASSIGNMENTSECTIONID; None is every assignment
    points: Decimal | None = None
    times: int | None = 1

    def matches(self, part: int, student: int) -> bool:
        """Return whether a row is struck."""
        return self.part in (None, part) and (self.kind == "extra" or self.student in (None, student))


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
    # A score above the total: stored as it is, as observed, or cut to the total without a word (a guess).
    above_total: Literal["take", "cap"] = "take"
    # A POINTS row for a PERCENT, GRADESCALE or COLLECTED column: stored as that column reads it, or 409.
    wrong_score_type: Literal["take", "refuse"] = "take"
    # Bent score writes, in order; the first that matches a row decides (`ScoreFault`).
    score_faults: list[ScoreFault] = field(default_factory=list)
    # Whether writes need a SECTIONTEACHER row that is dated today; and roles (ROLEDEF.ID) that only read.
    teacher_dates: Literal["ignored", "checked"] = "ignored"
    read_only_roles: set[int] = field(default_factory=set)
    # What refusals quote of names and titles that were sent: nothing, or the text plain, as JSON or as HTML.
    refusal_quotes: Literal["nothing", "plain", "json", "html"] = "nothing"
    # The status of inferred refusals of an assignment; a duplicate is a 409 in any case.
    invalid_status: Literal[400, 409] = 409
    # How assignment names are stored: forms apply in this order; `cut` cuts to `name_cut` characters.
    name_form: set[NameForm] = field(default_factory=set)
    name_cut: int = 50
    # Whether names that differ in letter case alone are one name where duplicates are refused.
    name_case: Literal["ignored", "compared"] = "ignored"
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
