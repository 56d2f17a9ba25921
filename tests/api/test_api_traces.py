"""Test that one trace has a request, its sync, the stages, and every call of an upstream system."""

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from gradesync.db import syncs
from gradesync.observability.trace_export import OpenTelemetry
from gradesync.observability.tracing import use_tracer
from gradesync_sandbox.faults import Fault, LoseAfter
from harness.api import ApiHarness

STAGES = ["reading", "planning", "writing"]
GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Collect the spans of a test here instead of at a collector."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with use_tracer(OpenTelemetry(provider)):
        yield exporter


def named(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    """Return the one span of that name."""
    (match,) = [span for span in spans.get_finished_spans() if span.name == name]
    return match


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return format(span.context.trace_id, "032x")


def is_child(span: ReadableSpan, parent: ReadableSpan) -> bool:
    assert parent.context is not None
    return span.parent is not None and span.parent.span_id == parent.context.span_id


async def test_a_sync_is_traced_from_its_request_to_every_call(
    api: ApiHarness, spans: InMemorySpanExporter
) -> None:
    teacher = await api.teacher()
    api.world.powerschool.log.clear()
    api.world.schoology.log.clear()
    spans.clear()
    response = await teacher.post(f"{api.path}/syncs")
    await api.run_queued()
    request = named(spans, "POST /sections/{section_id}/syncs")
    sync = named(spans, "sync")
    stages = [named(spans, name) for name in STAGES]
    calls = [
        span for span in spans.get_finished_spans() if span.name.startswith(("schoology", "powerschool"))
    ]
    assert {trace_of(span) for span in spans.get_finished_spans()} == {trace_of(request)}
    assert is_child(sync, request)
    assert all(is_child(stage, sync) for stage in stages)
    assert all(any(is_child(call, stage) for stage in (stages[0], stages[2])) for call in calls)
    seen = [*api.world.powerschool.log.calls, *api.world.schoology.log.calls]
    assert len(calls) == len(seen)
    assert sync.attributes is not None
    assert sync.attributes["gradesync.sync.id"] == response.json()["id"]
    assert sync.attributes["gradesync.status"] == "complete"
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 202
    assert request.attributes["gradesync.request.id"] == response.headers["x-request-id"]


async def test_a_trace_continues_the_callers(api: ApiHarness, spans: InMemorySpanExporter) -> None:
    teacher = await api.teacher()
    spans.clear()
    for traceparent in (GIVEN, "00-not-a-trace"):
        response = await teacher.post(f"{api.path}/syncs", headers={"traceparent": traceparent})
        await api.run_queued()
        request, sync = named(spans, "POST /sections/{section_id}/syncs"), named(spans, "sync")
        assert response.status_code == 202
        assert trace_of(request) == trace_of(sync)
        assert (trace_of(request) in GIVEN) == (traceparent == GIVEN)
        spans.clear()


async def test_a_lost_call_and_its_retry_are_two_spans(api: ApiHarness, spans: InMemorySpanExporter) -> None:
    teacher = await api.teacher()
    api.sandbox.faults.add(Fault("powerschool", "assignment.list", LoseAfter()))
    await api.sync(teacher)
    calls = [span for span in spans.get_finished_spans() if span.name == "powerschool assignment.list"]
    statuses = [(span.attributes or {})["gradesync.status"] for span in calls]
    assert statuses[:2] == ["lost", "200"]
    assert [span.status.status_code for span in calls[:2]] == [StatusCode.ERROR, StatusCode.UNSET]


async def test_spans_identify_nobody(api: ApiHarness, spans: InMemorySpanExporter) -> None:
    teacher = await api.teacher()
    sync = await api.sync(teacher, mode="full")
    await teacher.get(sync["links"]["outcomes"], student=str(next(iter(api.room.students))))
    await api.http.get("/lti/login?login_hint=a-person&lti_message_hint=a-secret")
    api.refuse("schoology")
    await api.sync(teacher)
    assert len(spans.get_finished_spans()) > 10
    exported = "\n".join(span.to_json() for span in spans.get_finished_spans())
    secrets = [api.section, "a-person", "a-secret", "login_hint", "127.0.0.1", *people(api)]
    assert [secret for secret in secrets if secret in exported] == []


def people(api: ApiHarness) -> Iterator[str]:
    for uid, student in api.room.students.items():
        yield from (str(uid), str(student.dcid), str(student.student_number))
    for item in api.room.section.standing():
        yield from (str(item.id), item.title)
    yield str(api.room.teacher.uid)


async def test_probes_are_not_traced(api: ApiHarness, spans: InMemorySpanExporter) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await api.http.get(path)).headers["x-request-id"]
    assert spans.get_finished_spans() == ()


async def test_without_a_collector_no_trace_is_stored(api: ApiHarness) -> None:
    teacher = await api.teacher()
    response = await teacher.post(f"{api.path}/syncs", headers={"traceparent": GIVEN})
    async with api.runtime.context.database.district(api.district.id) as db:
        sync = await syncs.get(db, response.json()["id"])
    assert sync is not None
    assert sync.trace is None


async def test_the_frameworks_own_spans_are_off(api: ApiHarness) -> None:
    # They would record paths and queries. The provider stays set for the process, and gets no spans.
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    office = await api.office()
    assert (await office.get("/syncs", requested_by="5790000")).status_code == 200
    with trace.get_tracer("somebody").start_as_current_span("listening"):
        pass
    assert [span.name for span in exporter.get_finished_spans()] == ["listening"]
