"""What a sync asks of a source and of a target. Adapters fit these by shape alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gradesync.core.district import District
from gradesync.core.gradebook import Category, Gradebook, Student
from gradesync.core.ports import BatchAnswer, Cells, Finding, Member, NewAssignment, ScoreRow
from gradesync.core.sis import Capabilities, LiveAssignment, LiveScores, Ref, SisCategory, SisSection, Spec


class Source(Protocol):
    """The gradebook of record for teachers, opened for one district.

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

    async def categories(self, section_id: str) -> tuple[Category, ...]: ...

    async def students(self, section_id: str) -> Mapping[str, Student]:
        """Read the students of a section, by uid: without names, and without scores."""
        ...

    async def members(self, section_id: str) -> tuple[Member, ...]:
        """Read everybody enrolled in a section, course admins included."""
        ...


class Target(Protocol):
    """A SIS gradebook, opened for one district and one holder of a lease.

    Every method may raise `Retriable` (nothing happened), `SyncStopped` (configuration, permission, the SIS
    as a whole) and `LeaseLost`. Writes may raise `AnswerLost` and `Rejected` as said.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    async def resolve_section(self, key: str, teacher: str | None = None) -> SisSection:
        """Find the SIS section that a matched school code names, its term and its acting teacher.

        `teacher` is set where the district chose one. Raises `SyncStopped`: `sis-section-not-found`,
        `teacher-not-in-sis-section`, `sis-permission-missing`.
        """
        ...

    async def resolve_students(self, section: SisSection, keys: Sequence[str]) -> Mapping[str, str]:
        """Map the students' matched ids to SIS student keys; an id that the SIS does not know is left out.

        Costs no call where the district's match already gives the SIS's own key.
        """
        ...

    async def categories(self, section: SisSection) -> tuple[SisCategory, ...]: ...

    async def assignments(self, section: SisSection) -> tuple[LiveAssignment, ...]: ...

    async def assignment(self, section: SisSection, ref: Ref) -> LiveAssignment | None:
        """Ask for one assignment by id; None where the SIS says that it is deleted.

        Raises `SyncStopped("sis-unreadable")` for an answer that proves neither.
        """
        ...

    async def roster(self, section: SisSection) -> frozenset[str] | None:
        """The SIS keys of the students in the section now; None where the plugin may not read them."""
        ...

    async def scores(self, section: SisSection, ref: Ref) -> LiveScores | None:
        """The scores that the SIS holds for an assignment; None where the plugin may not read them."""
        ...

    async def create_assignment(self, section: SisSection, spec: Spec) -> NewAssignment:
        """Create, once, without any retry after sending. Raises `AnswerLost`, `Rejected`."""
        ...

    def is_complete(self, ref: Ref) -> bool:
        """Whether scores can be written to a ref: the answer to a create may leave a part to the list."""
        ...

    async def update_assignment(self, section: SisSection, ref: Ref, spec: Spec, *, rescore: bool) -> None:
        """Read, change only what `spec` says in our section's entry, write the whole object.

        `rescore`: total points change. Raises `AnswerLost`, `Rejected` (`sis-assignment-shared`, …),
        and `Rejected("assignment-gone")` where it is deleted.
        """
        ...

    async def write_scores(self, section: SisSection, rows: Sequence[ScoreRow]) -> BatchAnswer:
        """Send one batch, in one call. Raises `AnswerLost`."""
        ...

    async def check(self) -> tuple[Finding, ...]:
        """Try the credentials and the grants, read-only, and say what is missing in an admin's words."""
        ...


class Clock(Protocol):
    """The time, aware and in UTC."""

    def __call__(self) -> datetime: ...


class Permit(Protocol):
    """Asked immediately before a call to the SIS is sent.

    Raises `LeaseLost` unless the holder's lease lasts at least `seconds` more.
    """

    async def __call__(self, seconds: float) -> None: ...


class Systems(Protocol):
    """Opens the systems of a district. Connections, tokens and budgets behind it are shared."""

    async def reserve_sync(self, district: District) -> bool:
        """Reserve the budget of a sync's first reads; False where there is none now, or a circuit is open."""
        ...

    async def skipped_districts(self) -> Sequence[str]:
        """The districts that were lately not `ready`, to whichever process asked."""
        ...

    async def reserve_spare(self, district: District, calls: int) -> bool:
        """Reserve so many calls to the source; False where they would keep a sync from its first reads."""
        ...

    async def open_circuits(self, district: District) -> tuple[str, ...]:
        """The names of the systems that failed so often that no new sync calls them now."""
        ...

    def source(self, district: District, *, requester: str | None, until: datetime) -> Source:
        """`requester` is the uid of the teacher who asked, for districts that read in a teacher's name."""
        ...

    def target(self, district: District, *, permit: Permit, until: datetime) -> Target:
        """Retries go on, where they can help, no later than `until`."""
        ...

    async def check(
        self, district: District, *, until: datetime, section_id: str | None = None
    ) -> tuple[Finding, ...]:
        """Try the credentials and the grants of both systems, read-only, in an admin's words.

        Reading the source is tried on `section_id`, or on a section that the credentials' owner has.
        """
        ...
