"""Collect the spans of two processes in one trace."""

import http.server
import threading
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.ports import free_port
from harness.processes import install


class Collector(http.server.ThreadingHTTPServer):
    """Receive OTLP over HTTP. `spans` are (process, name, trace) in order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Take)
        self.spans: list[tuple[str, str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/traces"


class Take(http.server.BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
        for resource in sent.resource_spans:
            facts = {one.key: one.value.string_value for one in resource.resource.attributes}
            assert facts["service.name"] == "gradesync"
            for scope in resource.scope_spans:
                found = [(facts["gradesync.process"], span.name, span.trace_id) for span in scope.spans]
                self.server.spans.extend(found)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.long
async def test_sync_over_two_processes_is_one_trace(settings: Settings, collector: Collector) -> None:
    world = build(seed=3, sections=1, students=4, assignments=2, ideal=True)
    async with install(settings.filled(traces_endpoint=collector.url), world) as here:
        teacher = await here.teacher(world.classrooms[0])
        sync = await teacher.sync()
    assert sync["status"] == "complete"
    asked = ("api", "POST /sections/{section_id}/syncs")
    (trace,) = {trace for process, name, trace in collector.spans if (process, name) == asked}
    in_it = {(process, name) for process, name, one in collector.spans if one == trace}
    wanted = {"sync", "reading", "planning", "writing", "schoology multiget", "powerschool score.write"}
    assert in_it >= {asked, *(("worker", name) for name in wanted)}


@pytest.mark.long
async def test_unreachable_collector_disturbs_nothing(settings: Settings) -> None:
    world = build(seed=3, sections=1, students=4, assignments=2, ideal=True)
    away = f"http://127.0.0.1:{free_port()}/v1/traces"
    async with install(settings.filled(traces_endpoint=away), world) as here:
        teacher = await here.teacher(world.classrooms[0])
        sync = await teacher.sync()
    assert sync["status"] == "complete"
