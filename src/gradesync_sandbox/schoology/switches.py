"""Switch the behavior that the public evidence leaves open, or tenants differ in: one switch each."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(slots=True)
class Switches:
    """Hold the switches of the simulated Schoology. The defaults follow the recordings."""

    # the wire
    lone_child_as_object: bool = False  # a list of one arrives as the object itself
    omit_empty_wrappers: bool = False  # an empty list arrives as no key at all
    extra_keys: bool = True  # list rows carry a key that nobody documents
    assignees_as_text: bool = False  # assignees as a JSON text instead of a list
    links_scheme: Literal["as_called", "http", "https"] = "as_called"
    max_limit: int = 200  # a larger page is cut to this

    # partial lists: by wrapper key (`enrollment`, `assignment`, `grade`, …) so many rows are shown, no next
    # link, and `total` as ever; `partial_once` ends each with its first response; `partial_rest` shows what
    # is left where `start` asks for it
    partial_lists: dict[str, int] = field(default_factory=dict)
    partial_once: bool = True
    partial_rest: bool = True

    # fields that the list of enrollments shows otherwise, by enrollment id
    garbled_enrollments: dict[int, dict[str, object]] = field(default_factory=dict)

    # grades
    grades_paged: bool = False  # page the matrix instead of answering all of it
    missing_is_zero: bool = True  # off: a missing cell reads null
    timestamp_inclusive: bool = True  # `timestamp=T` carries cells changed in second T
    dropped_keep_grades: bool = True  # rows of students with status other than 1
    unassigned_rows: bool = False  # rows of students an item is not assigned to

    # access
    impersonation: bool = True  # the permission behind X-Schoology-Run-As
    multiget_refused: int | None = None  # the status that refuses multiget as a whole
    multiget_rows: dict[str, int] = field(default_factory=dict)  # kind -> response_code of inner GETs

    # limits: credits a key may spend in any window; None is no limit
    credits: int | None = None
    window_seconds: float = 5.0
    multiget_cost: int = 1
    retry_after: bool = True

    cell_clock_offset: float = 0.0  # seconds the cells' clock is ahead of `Date`; negative: behind
    clock_skew: float = 0.0  # seconds Schoology's clock is ahead of the machine's
    latency: float = 0.0  # seconds before every answer
