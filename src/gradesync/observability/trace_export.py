"""Export spans with OpenTelemetry to a collector, by OTLP over HTTP.

It needs the extra `traces`, and is imported only where an installation exports them. OpenTelemetry reads
its other settings from its own `OTEL_…` variables: the sampler, the service's name, headers.
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

from gradesync.observability.tracing import Attribute, Kind, Span, use_tracer

SHUTDOWN_SECONDS = 3.0  # how long a process that ends waits for its last spans to be exported
PROPAGATOR = TraceContextTextMapPropagator()


class OpenTelemetry:
    """Make spans with OpenTelemetry; implements `Tracer`."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("gradesync")

    @contextmanager
    def span(
        self, name: str, attributes: Mapping[str, Attribute], kind: Kind, context: Context | None = None
    ) -> Iterator[Span]:
        """Start a span. The text of an exception may hold anything, and is not recorded."""
        with self._tracer.start_as_current_span(
            name,
            context=context,
            kind=SpanKind[kind.upper()],
            attributes=dict(attributes),
            record_exception=False,
            set_status_on_exception=False,
        ) as current:
            yield _RecordedSpan(current)

    @contextmanager
    def start_span(
        self, name: str, attributes: Mapping[str, Attribute], kind: Kind, parent: str | None
    ) -> Iterator[Span]:
        carrier = {"traceparent": parent} if parent else {}
        with self.span(name, attributes, kind, PROPAGATOR.extract(carrier, Context())) as current:
            yield current

    def traceparent(self) -> str | None:
        carrier: dict[str, str] = {}
        PROPAGATOR.inject(carrier)
        return carrier.get("traceparent")


class _RecordedSpan:
    """Wrap a span of OpenTelemetry; implements `Span`."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def set_attributes(self, attributes: Mapping[str, Attribute]) -> None:
        self._span.set_attributes(dict(attributes))

    def fail(self) -> None:
        self._span.set_status(StatusCode.ERROR)


@contextmanager
def export_spans(endpoint: str, process: str) -> Iterator[None]:
    """Export the spans of this process to `endpoint` while the block lasts, the last ones at its end."""
    resource = Resource({SERVICE_NAME: "gradesync", "gradesync.process": process})
    provider = TracerProvider(
        resource=resource.merge(OTELResourceDetector().detect()), shutdown_on_exit=False
    )
    exporter = OTLPSpanExporter(endpoint=endpoint)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        with use_tracer(OpenTelemetry(provider)):
            yield
    finally:
        # Otherwise a collector that is away delays the end of every process for its retries.
        timer = Timer(SHUTDOWN_SECONDS, exporter.shutdown)
        timer.start()
        provider.shutdown()
        timer.cancel()
