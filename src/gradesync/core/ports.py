"""Define what a sync asks of a source, of a target and of its surroundings. Adapters fit these by shape."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from gradesync.core.district import District
from gradesync.core.gradebook import Category, Cell, Gradebook, Student
from gradesync.core.sis import Capabilities, LiveAssignment, LiveScores, Ref, SisCategory, SisSection, Spec
from gradesync.core.writes import ScoreRow
from gradesync.errors import GradeSyncError


@dataclass(frozen=True, slots=True)
class Cells:
    """Hold cells that were read again: the same shapes as in `Gradebook`."""

    cells: Mapping[str, Mapping[str, Cell]]
    unreadable: Mapping[tuple[str, str], str] = field(default_factory=dict)
    differing: frozenset[tuple[str, str]] = frozenset()
    blanked: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    partial: frozenset[str] = frozenset()
    read_through: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """Describe a person of a section, with the name that teachers see. Never stored, never logged."""

    uid: str
    display_name: str
    admin: bool
    active: bool
    school_id: str | None = None


class NewAssignment(NamedTuple):
    """Hold the result of a create. `ref` is None where only the SIS's list shows it."""

    ref: Ref | None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Describe how the SIS answered a batch of scores: it `accepted` all of them, wrote none, or `failed`.

    Accepted: `doubtful` are the (assignment's ref key, SIS student) of rows that the response leaves out or
    contradicts; `unconfirmed`: it has no body to bear anything out. A SIS that takes rows one by one accepts
    all but these: `refused` maps a row to its reason, None where nothing shows it, and its detail; the
    `lost` may be there, also where the SIS refused them by an error of its own; the `unsent` were not tried:
    they are refused beforehand, or the SIS `stopped`.
    Refused: `students` are SIS keys named as not acceptable; `pairs` the same with the ref key of the
    assignment, where the SIS named it. `gone`: ref keys of assignments that are deleted; `missing`: some may
    be. `denied`: the SIS refuses the assignments, or the teacher, or the plugin. `too_large`: fewer rows may
    pass. `failed`: an error of its own that may have written some. `reason` and `detail` give the cause.
    """

    accepted: bool
    doubtful: frozenset[tuple[str, str]] = frozenset()
    unconfirmed: bool = False
    refused: Mapping[tuple[str, str], tuple[str | None, str]] = field(default_factory=dict)
    lost: frozenset[tuple[str, str]] = frozenset()
    unsent: frozenset[tuple[str, str]] = frozenset()
    stopped: GradeSyncError | None = None
    students: frozenset[str] = frozenset()
    pairs: frozenset[tuple[str, str]] = frozenset()
    gone: frozenset[str] = frozenset()
    missing: bool = False
    denied: bool = False
    too_large: bool = False
    failed: bool = False
    reason: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Describe one line of a connection check, in an admin's words."""

    check: str
    ok: bool
    detail: str
    fix: str = ""


class Source(Protocol):
    """Read the gradebook of record for teachers, opened for one district.

    Every method raises `SyncStopped` (`section-not-found`, `schoology-key-not-allowed`, …) or `Retriable`.
    """

    async def read(self, section_id: str, since: datetime | None) -> Gradebook:
        """Read a section; cells changed since a time of the source's own clock, or all of them (None)."""
        ...

    async def cells(self, gradebook: Gradebook, assignment_ids: Sequence[str] | None) -> Cells:
        """Read all cells of some assignments of a gradebook, or of all of them (None)."""
        ...

    async def outline(self, section_id: str) -> Gradebook:
        """Read a section without its cells: assignments, categories, periods; no students."""
        ...

    async def categories(self, section_id: str) -> tuple[Category, ...]:
        """Read the grading categories of a section."""
        ...

    async def students(self, section_id: str) -> Mapping[str, Student]:
        """Read the students of a section, by uid: without names, and without scores."""
        ...

    async def members(self, section_id: str) -> tuple[Member, ...]:
        """Read everybody enrolled in a section, course admins included."""
        ...

    async def schools(self) -> Mapping[str, str]:
        """Read the titles of the schools that the source names, by id."""
        ...


class Target(Protocol):
    """Read and write a SIS gradebook, opened for one district and one holder of a lease.

    Every method may raise `Retriable` (nothing happened), `SyncStopped` (configuration, permission, the SIS
    as a whole) and `LeaseLost`. Writes may also raise `AnswerLost` and `Rejected`, as documented on each.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    async def resolve_section(
        self, key: str, teacher: str | None = None, *, known: SisSection | None = None, term: bool = True
    ) -> SisSection:
        """Find the SIS section that a matched school code names, its term and its acting teacher.

        `teacher` is set where the district chose one. With the section as it was `known` before, only what
        may have changed is looked up again; its term only where it is wanted or is another. Raises
        `SyncStopped`: `sis-section-not-found`,
        `teacher-not-in-sis-section`, `sis-permission-missing`.
        """
        ...

    async def resolve_students(self, section: SisSection, keys: Sequence[str]) -> Mapping[str, str]:
        """Map the students' matched ids to SIS student keys; an id that the SIS does not know is left out.

        Costs no call where the district's match already gives the SIS's own key.
        """
        ...

    async def categories(self, section: SisSection) -> tuple[SisCategory, ...]:
        """Read the categories that the SIS has for a section."""
        ...

    async def assignments(self, section: SisSection) -> tuple[LiveAssignment, ...]:
        """Read the SIS's list of a section's assignments."""
        ...

    async def assignment(self, section: SisSection, ref: Ref) -> LiveAssignment | None:
        """Read one assignment by id; None where the SIS reports it as deleted.

        Raises `SyncStopped("sis-unreadable")` for an answer that proves neither.
        """
        ...

    async def roster(self, section: SisSection) -> frozenset[str] | None:
        """Read the SIS keys of the students in the section now; None where the plugin may not read them."""
        ...

    async def scores(self, section: SisSection, ref: Ref) -> LiveScores | None:
        """Read the scores that the SIS holds for an assignment; None where the plugin may not read them."""
        ...

    async def create_assignment(
        self, section: SisSection, spec: Spec, item: str, held: Collection[str]
    ) -> NewAssignment:
        """Create, once, without any retry after sending. Raises `AnswerLost`, `Rejected`.

        `item` is its id in the source: where ids are the client's, the one in the SIS is derived from it, and
        is none of `held`, the ids of other assignments' columns, whether these stand or not.
        """
        ...

    def is_complete(self, ref: Ref) -> bool:
        """Return True if scores can be written to a ref: a create may leave a part of it to the list."""
        ...

    async def update_assignment(self, section: SisSection, ref: Ref, spec: Spec, *, rescore: bool) -> None:
        """Read, change only what `spec` sets in our section's entry, write the whole object.

        `rescore`: total points change. Raises `AnswerLost`, `Rejected` (`sis-assignment-shared`, …),
        and `Rejected("assignment-gone")` where it is deleted.
        """
        ...

    async def write_scores(self, section: SisSection, rows: Sequence[ScoreRow]) -> BatchResult:
        """Send one batch, in one call or row by row. Raises `AnswerLost`."""
        ...

    async def check(self) -> tuple[Finding, ...]:
        """Try the credentials and the grants, read-only, and name what is missing in an admin's words."""
        ...


class Clock(Protocol):
    """Return the time, aware and in UTC."""

    def __call__(self) -> datetime: ...


class Permit(Protocol):
    """Allow one call to the SIS, right before it is sent, and keep in mind the writes that were given up."""

    async def wait_turn(self) -> None:
        """Wait while others go first. The call holds nothing meanwhile, no slot and no connection."""
        ...

    async def __call__(self, seconds: float) -> None:
        """Permit a call that may take `seconds`.

        Raises `LeaseLost` unless the holder's lease lasts so long, and `SyncStopped("timed-out")` where the
        call might take effect after the sync has to end.
        """
        ...

    def note_lost(self, seconds: float) -> None:
        """Note that a write was given up without its answer: it takes effect within `seconds`, or never."""
        ...


class Wakeup(Protocol):
    """Wake a worker for a district. Never raises; the sweep finds a lost wake-up."""

    async def notify(self, district_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class BudgetState:
    """Describe a call budget now: `used` of `limit` calls (None: no limit) in `window` seconds.

    Nobody calls the system for another `paused_seconds`.
    """

    limit: int | None
    window: float
    used: int
    paused_seconds: float
    circuit_open: bool


class Systems(Protocol):
    """Open the systems of a district. Connections, tokens and budgets behind it are shared."""

    async def reserve_sync(self, district: District) -> bool:
        """Reserve the budget of a sync's first reads; False where there is none now, or a circuit is open."""
        ...

    async def give_back_sync(self, district: District) -> None:
        """Give back what `reserve_sync` reserved: another sync may use it at once."""
        ...

    async def skipped_districts(self) -> Sequence[str]:
        """Return the districts for which `reserve_sync` lately returned False, in whichever process."""
        ...

    async def reserve_spare(self, district: District, calls: int) -> bool:
        """Reserve so many calls to the source; False where they would keep a sync from its first reads."""
        ...

    async def open_circuits(self, district: District) -> tuple[str, ...]:
        """Return the names of the systems that failed so often that no new sync calls them now."""
        ...

    async def read_states(self, district: District) -> Mapping[str, BudgetState | None]:
        """Return by system how it can be called now; None where that is not known."""
        ...

    def source(self, district: District, *, requester: str | None, until: datetime) -> Source:
        """Open the source. `requester` is the uid of the teacher, for districts that read in her name."""
        ...

    def target(self, district: District, *, permit: Permit | None, until: datetime) -> Target:
        """Open the target; to read alone needs no permit. Retries go on, where they help, until `until`."""
        ...

    async def check(
        self, district: District, *, until: datetime, section_id: str | None = None
    ) -> tuple[Finding, ...]:
        """Try the credentials and the grants of both systems, read-only, in an admin's words.

        Reading the source is tried on `section_id`, or on a section that the credentials' owner has.
        """
        ...
