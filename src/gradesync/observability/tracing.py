"""Make spans: one trace from a request, through the queue, to every call of an upstream system.

They hold names of our own (routes, kinds, codes) and the ids of district and sync; never an address, a
body, or anything of a person. A process that exports none makes none, and imports nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal, Protocol, TypeAlias

Attribute: TypeAlias = str | bool | int | float
Kind: TypeAlias = Literal["internal", "server", "consumer", "client"]


class Span(Protocol):
    """Describe one part of a trace, while it goes on."""

    def rename(self, name: str) -> None: ...

    def set_attributes(self, attributes: Mapping[str, Attribute]) -> None: ...

    def fail(self) -> None:
        """Mark it as failed, without the text of an exception: that may hold anything."""
        ...


class Tracer(Protocol):
    """Make spans."""

    def span(
        self, name: str, attributes: Mapping[str, Attribute], kind: Kind
    ) -> AbstractContextManager[Span]: ...

    def start_span(
        self, name: str, attributes: Mapping[str, Attribute], kind: Kind, parent: str | None
    ) -> AbstractContextManager[Span]: ...

    def traceparent(self) -> str | None: ...


class _NoTracer:
    """Make no spans, and be none."""

    def rename(self, name: str) -> None: ...

    def set_attributes(self, attributes: Mapping[str, Attribute]) -> None: ...

    def fail(self) -> None: ...

    def span(self, *_: object) -> AbstractContextManager[Span]:
        return nullcontext(self)

    def start_span(self, *_: object) -> AbstractContextManager[Span]:
        return nullcontext(self)

    def traceparent(self) -> str | None:
        return None


_tracer: Tracer = _NoTracer()


@contextmanager
def use_tracer(tracer: Tracer) -> Iterator[None]:
    """Make spans with a tracer while the block lasts, in all of the process."""
    global _tracer  # noqa: PLW0603 - one for a process, as loggers and metrics are
    before, _tracer = _tracer, tracer
    try:
        yield
    finally:
        _tracer = before


def span(
    name: str, attributes: Mapping[str, Attribute] | None = None, *, kind: Kind = "internal"
) -> AbstractContextManager[Span]:
    """Start a span inside the current one."""
    return _tracer.span(name, attributes or {}, kind)


def start_span(
    name: str, attributes: Mapping[str, Attribute] | None = None, *, kind: Kind, parent: str | None
) -> AbstractContextManager[Span]:
    """Start a span that continues `parent`, a W3C traceparent.

    Without one, or with one that is not valid, it is a trace of its own, whatever the current span is.
    """
    return _tracer.start_span(name, attributes or {}, kind, parent)


def traceparent() -> str | None:
    """Return the W3C traceparent that continues the current span; None outside of every trace."""
    return _tracer.traceparent()


def trace_id() -> str | None:
    """Return the id of the current trace, in hexadecimal digits."""
    current = traceparent()
    return current.split("-")[1] if current else None
