"""Collect what became of the scores of one batch, and judge those at which the SIS fails (R47)."""

from dataclasses import dataclass, field

from gradesync.core.ports import BatchResult
from gradesync.core.sis import SisSection
from gradesync.errors import Retriable, SyncStopped

DENIALS = 3  # refusals of access in a row, with nothing taken, after which no further score is sent
LOSSES = 12  # scores in a row whose end is unknown, after which their line item or the SIS is taken to fail
PROBES = 3  # scores that fail by errors, without any other answer, from which on it is the SIS that fails

Pair = tuple[str, str]
"""Identify a row: (sourcedId of its line item, of its student)."""


@dataclass(slots=True)
class Tally:
    """Collect what became of the rows of one batch of a section.

    `lost` may or may not be in the SIS. `failing`: those of them that it answered with an error of its own,
    since its last other answer. `closed`: line items at which it failed again and again; `held_back`: their
    rows that were not sent.
    """

    section: SisSection
    refused: dict[Pair, tuple[str | None, str]] = field(default_factory=dict)
    doubtful: set[Pair] = field(default_factory=set)
    lost: set[Pair] = field(default_factory=set)
    unsent: set[Pair] = field(default_factory=set)
    unknown: set[Pair] = field(default_factory=set)
    failing: dict[Pair, str] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    held_back: set[Pair] = field(default_factory=set)
    taken: int = 0
    denied: int = 0
    stopped: Retriable | SyncStopped | None = None
    _losses: list[Pair] = field(default_factory=list)
    _answered: bool = False
    _failed_at: str | None = None

    @property
    def is_over(self) -> bool:
        """Return True where no further row would be taken."""
        return (self.denied >= DENIALS and not self.taken) or self.stopped is not None

    @property
    def is_denied(self) -> bool:
        """Return True where every row that was sent was refused for want of access."""
        return self.denied > 0 and not (self.taken or self.lost) and len(self.refused) == self.denied

    def answer(self, pair: Pair) -> None:
        """Note that the SIS took or refused a row: what it failed at before is what broke it."""
        self.lost.discard(pair)
        self._losses.clear()
        self._answered, self._failed_at = True, None
        self._refuse_failing()

    def fail(self, pair: Pair, detail: str | None) -> None:
        """Note a row that nothing shows in the SIS; `detail` where it answered with an error of its own.

        Where it fails again and again at one line item, others may still be taken; at a second, it is down.
        """
        self.lost.add(pair)
        if detail is not None:
            self.failing[pair] = detail
        self._losses.append(pair)
        if len(self._losses) < LOSSES:
            return
        first = self._losses[0][0]
        alone = {key for key, _ in self._losses} == {first} and self.failing.keys() >= set(self._losses)
        if alone and self._failed_at is None:
            self.closed[first], self._failed_at = self.failing[self._losses[0]], first
            self._losses.clear()
        else:
            self._stop()

    def judge_failing(self) -> None:
        """Refuse what the SIS failed at, once no row is left; where it did nothing else, it is down."""
        if self.is_over:
            return
        if self._answered or len(self.failing) < PROBES:
            self._refuse_failing()
            self._failed_at = None
        elif self.closed:
            self._stop()
        self.refused |= {
            pair: (None, self.closed[pair[0]]) for pair in self.held_back if pair[0] != self._failed_at
        }

    def result(self) -> BatchResult:
        """Return what became of the rows, of which some were sent."""
        return BatchResult(
            accepted=True,
            doubtful=frozenset(self.doubtful),
            refused=self.refused,
            lost=frozenset(self.lost),
            unsent=frozenset(self.unsent | self.held_back),
            stopped=self.stopped,
        )

    def _refuse_failing(self) -> None:
        self.refused |= {pair: (None, detail) for pair, detail in self.failing.items()}
        self.failing.clear()

    def _stop(self) -> None:
        self.stopped = self.stopped or Retriable("the SIS doesn't show whether it took the scores")
