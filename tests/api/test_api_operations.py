"""Test health, readiness, the API document, and the explanations of problems."""

import asyncio
import re
from html import escape

import httpx
from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client import REGISTRY
from pydantic import SecretStr

from gradesync.api.app import create_app, openapi_document
from gradesync.api.problems import CATALOG
from gradesync.core.reasons import Reason
from gradesync.runtime import open_runtime, run_maintenance
from gradesync.settings import Settings
from gradesync.upstream.call_budget import CallBudget
from gradesync.upstream.limits import FAILURES_TO_OPEN
from harness.api import ApiHarness, expect_problem
from harness.api_document import api_document

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
METHODS = {"get", "put", "post", "patch", "delete"}


async def test_a_live_process_is_healthy(api: ApiHarness) -> None:
    response = await api.http.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_readiness_checks_database_migrations_and_queue(api: ApiHarness) -> None:
    response = await api.http.get("/readyz")
    assert response.status_code == 200
    checks = {"database": "ok", "migrations": "ok", "queue": "ok"}
    none_open = {"schoology": 0, "powerschool": 0, "oneroster": 0}
    assert response.json() == {
        "status": "ready",
        "checks": checks,
        "maintenance": "done",
        "queue_problem": None,
        "circuits_open": none_open,
    }


async def test_open_circuits_are_counted_and_do_not_end_readiness(api: ApiHarness) -> None:
    for account in ("powerschool:secret-of-one", "powerschool:secret-of-two"):
        budget = CallBudget(api.runtime.redis, account, None)
        for _ in range(FAILURES_TO_OPEN):
            await budget.report(False)
    response = await api.http.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    assert response.json()["circuits_open"] == {"schoology": 0, "powerschool": 2, "oneroster": 0}
    metrics = (await api.http.get("/metrics")).text
    assert 'gradesync_circuits_open{system="powerschool"} 2.0' in metrics
    assert 'gradesync_circuits_open{system="schoology"} 0.0' in metrics
    assert "secret-of" not in response.text + metrics
    await budget.report(True)
    assert (await api.restart().get("/readyz")).json()["circuits_open"]["powerschool"] == 1


async def test_every_process_updates_the_circuit_metric(api: ApiHarness) -> None:
    budget = CallBudget(api.runtime.redis, "schoology:one", None)
    for _ in range(FAILURES_TO_OPEN):
        await budget.report(False)
    async with run_maintenance(api.runtime):
        while not REGISTRY.get_sample_value("gradesync_circuits_open", {"system": "schoology"}):
            await asyncio.sleep(0)


async def test_prometheus_reads_the_metrics_of_the_process(api: ApiHarness) -> None:
    response = await api.http.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    assert "gradesync_wakeups_total" in response.text


async def test_without_the_queue_the_process_is_degraded(settings: Settings) -> None:
    alone = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:9/0")})
    async with open_runtime(alone, name="tests") as runtime:
        transport = httpx.ASGITransport(create_app(runtime))
        async with httpx.AsyncClient(transport=transport, base_url="http://gradesync.test") as http:
            response = await http.get("/readyz")
    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert response.json()["checks"]["queue"] == "failed"
    assert response.json()["queue_problem"] == "unreachable"
    assert response.json()["circuits_open"] is None


async def test_a_problem_type_links_to_its_explanation(api: ApiHarness) -> None:
    refused = expect_problem(await api.anonymous.get("/syncs"), 401, "token-missing")
    path = refused["type"].removeprefix(api.runtime.settings.public_url)
    meaning = (await api.http.get(path)).json()
    assert meaning == {name: refused[name] for name in ("code", "status", "title", "fix")} | {"reason": None}
    expect_problem(await api.http.get("/problems/no-such-thing"), 404, "not-found")


async def test_every_problem_and_reason_has_a_page(api: ApiHarness) -> None:
    for code in {*CATALOG, *Reason}:
        explained = (await api.http.get(f"/problems/{code}", headers={"accept": "*/*"})).json()
        assert explained["title"], code
        page = await api.http.get(f"/problems/{code}", headers={"accept": BROWSER})
        assert page.headers["content-type"].startswith("text/html")
        assert escape(explained["title"]) in page.text
        assert escape(explained["fix"]) in page.text
        assert (explained["reason"] is not None) == (code in set(Reason))


def test_every_problem_has_a_title_and_a_fix() -> None:
    for code, kind in CATALOG.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert 400 <= kind.status <= 599
        assert kind.title.endswith(".")
        assert kind.fix.endswith(".")


def test_the_api_document_is_valid_openapi_3_1() -> None:
    document = api_document()
    assert document["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_the_api_document_is_the_same_every_time() -> None:
    assert openapi_document() == api_document()


def test_every_operation_documents_its_problems() -> None:
    document = api_document()
    tags = {tag["name"] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert method in METHODS
            assert set(operation["tags"]) <= tags, path
            assert operation["summary"]
            statuses = operation["responses"].keys()
            assert {"422", "500", "503"} <= statuses, path
            if operation.get("security") and path != "/oauth/token":
                assert {"401", "403"} <= statuses, path
            for status, response in operation["responses"].items():
                assert response["description"], (path, status)
                if int(status) >= 400 and path != "/readyz":
                    assert examples(response), (path, status)


def test_try_it_out_can_get_a_token() -> None:
    document = api_document()
    schemes = document["components"]["securitySchemes"]
    flow = schemes["client"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == "/oauth/token"
    assert "syncs:write" in flow["scopes"]
    assert schemes["token"]["scheme"] == "bearer"
    needed = document["paths"]["/syncs"]["get"]["security"]
    assert {"client": ["syncs:read"]} in needed


def examples(response: dict[str, object]) -> bool:
    content = response.get("content")
    assert isinstance(content, dict)
    return all(body.get("examples") for body in content.values())
