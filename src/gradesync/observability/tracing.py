"""Spans: one trace from a request, through the queue, to every call of an upstream system.

What is in them are names of our own (routes, kinds, codes) and the ids of district and sync; never an
address, a body, or anything of a person. A process that sends them nowhere has none, and imports nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal, Protocol, TypeAlias

Fact: TypeAlias = str | bool | int | float
Kind: TypeAlias = Literal["internal", "server", "consumer", "client"]


class Span(Protocol):
    """One part of a trace, while it goes on."""

    def rename(self, name: str) -> None: ...

    def tell(self, facts: Mapping[str, Fact]) -> None: ...

    def fail(self) -> None:
        """Mark it as failed, without what an exception says: that may hold anything."""
        ...


class Tracer(Protocol):
    """What makes spans."""

    def span(self, name: str, facts: Mapping[str, Fact], kind: Kind) -> AbstractContextManager[Span]: ...

    def begun(
        self, name: str, facts: Mapping[str, Fact], kind: Kind, parent: str | None
    ) -> AbstractContextManager[Span]: ...

    def traceparent(self) -> str | None: ...


class _Nothing:
    """No span, and what makes none."""

    def rename(self, name: str) -> None: ...

    def tell(self, facts: Mapping[str, Fact]) -> None: ...

    def fail(self) -> None: ...

    def span(self, *_: object) -> AbstractContextManager[Span]:
        return nullcontext(self)

    def begun(self, *_: object) -> AbstractContextManager[Span]:
        return nullcontext(self)

    def traceparent(self) -> str | None:
        return None


_tracer: Tracer = _Nothing()


@contextmanager
def traced_by(tracer: Tracer) -> Iterator[None]:
    """Make spans with a tracer while the block lasts, in all of the process."""
    global _tracer  # noqa: PLW0603 - one for a process, as loggers and metrics are
    before, _tracer = _tracer, tracer
    try:
        yield
    finally:
        _tracer = before


def span(
    name: str, facts: Mapping[str, Fact] | None = None, *, kind: Kind = "internal"
) -> AbstractContextManager[Span]:
    """A part of what is going on."""
    return _tracer.span(name, facts or {}, kind)


def begun(
    name: str, facts: Mapping[str, Fact] | None = None, *, kind: Kind, parent: str | None
) -> AbstractContextManager[Span]:
    """The beginning of something here. `parent` is the W3C traceparent of what it goes on from.

    Without one, or with one that is not valid, it is a trace of its own, whatever else is going on.
    """
    return _tracer.begun(name, facts or {}, kind, parent)


def traceparent() -> str | None:
    """What something must be given to go on from here: W3C's header; None outside of every trace."""
    return _tracer.traceparent()


def trace_id() -> str | None:
    """The id of the trace that is going on, in hexadecimal digits."""
    here = traceparent()
    return here.split("-")[1] if here else None
