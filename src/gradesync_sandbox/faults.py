"""Order faults: calls to a system that go wrong, how, and how often."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

System = Literal["schoology", "powerschool", "oneroster"]
Done = Literal["before", "after"]


@dataclass(frozen=True)
class RefuseBefore:
    """Close the connection; nothing is done."""

    kind: Literal["refuse_before"] = "refuse_before"


@dataclass(frozen=True)
class LoseAfter:
    """Do the call, then close the connection without a response."""

    kind: Literal["lose_after"] = "lose_after"


@dataclass(frozen=True)
class Delay:
    """Respond after `seconds`; the call is done before or after that wait, even if nobody waits."""

    seconds: float
    done: Done = "before"
    kind: Literal["delay"] = "delay"


@dataclass(frozen=True)
class Hold:
    """Wait as `Delay` does, until `Faults.release` is called: for tests that must not measure time."""

    done: Done = "before"
    kind: Literal["hold"] = "hold"


@dataclass(frozen=True)
class Status:
    """Send another response; nothing is done."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    kind: Literal["status"] = "status"


@dataclass(frozen=True)
class Truncate:
    """Do the call and stop its response after `keep` bytes.

    With `honest` the length agrees and the response merely ends too early; else the connection breaks.
    """

    keep: int = 20
    honest: bool = False
    kind: Literal["truncate"] = "truncate"


@dataclass(frozen=True)
class Body:
    """Do the call unless `done` is false, and respond with `content`, `repeat` times.

    A `drip` above 0 sends one byte at a time with so many seconds between. The server's own headers are
    replaced by `headers`.
    """

    content: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "text/html"})
    repeat: int = 1
    drip: float = 0.0
    done: bool = True
    kind: Literal["body"] = "body"


@dataclass(frozen=True)
class Kill:
    """Send a signal to a process before or after the call is done; then the call goes on as usual."""

    pid: int
    signal: int = signal.SIGKILL
    when: Done = "after"
    kind: Literal["kill"] = "kill"


@dataclass(frozen=True)
class Change:
    """Do the call and let `change` make another body of its response. For tests in the same process."""

    change: Callable[[bytes], bytes]


Effect = RefuseBefore | LoseAfter | Delay | Hold | Status | Truncate | Body | Kill


@dataclass
class Fault:
    """Order an effect from the `nth` matching call on (1, or None, is the next one), `times` times, or for
    ever.

    `call` is a kind of call of that system, `*` for all, or a pattern such as `schema.*`.
    """

    system: System
    call: str
    effect: Effect | Change
    nth: int | None = None
    times: int | None = 1
    seen: int = 0

    def strikes(self, system: str, kind: str) -> bool:
        """Count a call if it matches, and return whether it is struck."""
        if system != self.system or not fnmatchcase(kind, self.call):
            return False
        self.seen += 1
        first = self.nth or 1
        return self.seen >= first and (self.times is None or self.seen < first + self.times)


@dataclass(frozen=True)
class Struck:
    """Record a call that a fault struck. `at` is on the monotonic clock."""

    at: float
    system: str
    kind: str
    effect: Effect | Change


@dataclass
class Faults:
    """Hold rules in order: every rule counts a call that it matches, the first that strikes decides."""

    rules: list[Fault] = field(default_factory=list)
    struck: list[Struck] = field(default_factory=list)
    _gates: list[asyncio.Event] = field(default_factory=list)
    _held: asyncio.Event = field(default_factory=asyncio.Event)
    _late: set[asyncio.Event] = field(default_factory=set)

    def add(self, fault: Fault) -> Fault:
        """Append a rule."""
        self.rules.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all rules and release the calls that are held."""
        self.rules.clear()
        self.release()

    def strike(self, system: str, kind: str) -> Effect | Change | None:
        """Count a call, and return the effect that strikes it."""
        hits = [rule for rule in self.rules if rule.strikes(system, kind)]
        if not hits:
            return None
        self.struck.append(Struck(time.monotonic(), system, kind, hits[0].effect))
        return hits[0].effect

    @contextmanager
    def late(self) -> Iterator[None]:
        """Count a call as late until the end of the block."""
        done = asyncio.Event()
        self._late.add(done)
        try:
            yield
        finally:
            self._late.discard(done)
            done.set()

    async def until_none_is_late(self) -> None:
        """Wait until every call that is late now is done."""
        for done in list(self._late):
            await done.wait()

    async def hold(self) -> None:
        """Wait for `release`."""
        gate = asyncio.Event()
        self._gates.append(gate)
        self._held.set()
        await gate.wait()

    async def until_held(self) -> None:
        """Wait until a call is held."""
        await self._held.wait()

    def release(self) -> None:
        """Let every held call go on."""
        for gate in self._gates:
            gate.set()
        self._gates.clear()
        self._held.clear()
