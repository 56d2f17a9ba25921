"""Spans of OpenTelemetry, and where they go: to a collector, by OTLP over HTTP.

It needs the extra `traces`, and is imported only where an installation wants them. What else there is to set,
OpenTelemetry reads from its own `OTEL_…` variables: the sampler, the service's name, headers.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Timer

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gradesync.observability.tracing import Fact, Kind, Span, traced_by

LAST_SECONDS = 3.0
"""How long the end of a process waits for its last spans to be taken."""
PROPAGATOR = TraceContextTextMapPropagator()


class OpenTelemetry:
    """Fits `Tracer`."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("gradesync")

    @contextmanager
    def span(
        self, name: str, facts: Mapping[str, Fact], kind: Kind, context: Context | None = None
    ) -> Iterator[Span]:
        """What an exception says may hold anything, and is not recorded."""
        with self._tracer.start_as_current_span(
            name,
            context=context,
            kind=SpanKind[kind.upper()],
            attributes=dict(facts),
            record_exception=False,
            set_status_on_exception=False,
        ) as opened:
            yield _RecordedSpan(opened)

    @contextmanager
    def begun(self, name: str, facts: Mapping[str, Fact], kind: Kind, parent: str | None) -> Iterator[Span]:
        carrier = {"traceparent": parent} if parent else {}
        with self.span(name, facts, kind, PROPAGATOR.extract(carrier, Context())) as opened:
            yield opened

    def traceparent(self) -> str | None:
        carrier: dict[str, str] = {}
        PROPAGATOR.inject(carrier)
        return carrier.get("traceparent")


class _RecordedSpan:
    """Fits `Span`."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def tell(self, facts: Mapping[str, Fact]) -> None:
        self._span.set_attributes(dict(facts))

    def fail(self) -> None:
        self._span.set_status(StatusCode.ERROR)


@contextmanager
def sending(endpoint: str, process: str) -> Iterator[None]:
    """Send the spans of this process to `endpoint` while the block lasts, and what is left at its end."""
    ours = Resource({SERVICE_NAME: "gradesync", "gradesync.process": process})
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=endpoint)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        with traced_by(OpenTelemetry(provider)):
            yield
    finally:
        # Else a collector that is away keeps every process for its retries.
        patience = Timer(LAST_SECONDS, exporter.shutdown)
        patience.start()
        provider.shutdown()
        patience.cancel()
