"""Send generated requests to the running service with every kind of token.

`FUZZ_EXAMPLES` is the number of requests for each operation and kind of caller: by default a few, the same
ones every time; `make fuzz` sends many others.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from gradesync.settings import Settings
from gradesync_sandbox.serving import Served
from gradesync_sandbox.world import build
from harness.api import ApiClient, ApiHarness, open_api
from harness.servers import Urls

FEW, SOME = 2, 4
EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
# Requests name ids that Schoology never issued, and its refusal is reported.
REFUSED_UPSTREAM = 502
# Returns 503 where its servers do not respond in time, as on a busy machine.
READINESS = "/readyz"
PROMISES = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
CALLERS = ("nobody", "nonsense", "office", "exchanger", "stranger", "teacher", "reader")


@dataclass(frozen=True)
class Target:
    """Hold the service on a socket, and ids that exist in it."""

    url: str
    tokens: dict[str, str | None]
    ids: dict[str, str]


@pytest.fixture
async def target(settings: Settings, servers: Urls) -> AsyncIterator[Target]:
    world = build(seed=7, sections=2, students=4, assignments=6)
    world.schoology.switches.window_seconds = 0.01
    many = settings.filled(requests_per_minute=10**6, token_requests_per_minute=10**6)
    async with open_api(many, servers, world) as api:
        schoology = replace(api.district.schoology, requests_per_window=10**6)
        await api.replace_district(replace(api.district, schoology=schoology))
        office = await api.office()
        clients: dict[str, ApiClient] = {
            "nobody": api.anonymous,
            "nonsense": ApiClient(api.http, "nonsense"),
            "office": office,
            "exchanger": await api.office("token:exchange"),
            "stranger": await api.office(district_id=(await api.add_neighbor()).id),
            "teacher": await api.teacher(),
            "reader": await reader(api),
        }
        ids = await create_ids(api, office)
        served = Served(api.app, "127.0.0.1")
        await served.start()
        yield Target(served.url, {name: client.token for name, client in clients.items()}, ids)
        await served.stop()


async def reader(api: ApiHarness) -> ApiClient:
    admin = api.world.lti.id_token(api.world.admin, api.room.section)
    return ApiClient(api.http, (await api.exchange(admin)).json()["access_token"])


async def create_ids(api: ApiHarness, office: ApiClient) -> dict[str, str]:
    """Create one resource of each kind, and return the path parameters that name them."""
    hook = (await office.post("/webhooks", {"url": "https://hooks.example.org/"})).json()
    sync = await api.sync(office)
    deliveries = (await office.get(f"/webhooks/{hook['id']}/deliveries")).json()["items"]
    preflight = (await office.post("/preflight")).json()
    items = (await office.get(f"{api.path}/assignments")).json()["items"]
    return {
        "section_id": api.section,
        "sync_id": sync["id"],
        "assignment_id": items[0]["id"],
        "webhook_id": hook["id"],
        "delivery_id": deliveries[0]["id"],
        "preflight_id": preflight["id"],
        "code": "sync-in-progress",
    }


@pytest.mark.parametrize("caller", CALLERS)
async def test_every_response_conforms_to_the_document(target: Target, caller: str, run_all: bool) -> None:
    examples = int(EXAMPLES or (SOME if run_all else FEW))
    broken = await asyncio.to_thread(broken_promises, target, caller, examples)
    assert not broken, "\n\n".join(broken)


def broken_promises(target: Target, caller: str, examples: int) -> list[str]:
    schema = schemathesis.openapi.from_url(f"{target.url}/openapi.json", config=SchemathesisConfig())
    broken = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        try:
            _attack(operation, target, target.tokens[caller], examples)()
        except AssertionError as failure:
            broken.append(f"{operation.label}: {failure}")
        except FailureGroup as failures:
            broken += [
                f"{operation.label}: {error} {getattr(error, 'message', '')} {vars(error)}"
                for error in failures.exceptions
            ]
    return broken


def _attack(operation: Any, target: Target, token: str | None, examples: int) -> Callable[[], None]:
    modes = schemathesis.GenerationMode
    cases = st.one_of(
        operation.as_strategy(generation_mode=modes.POSITIVE),
        operation.as_strategy(generation_mode=modes.NEGATIVE),
    )
    known_ids = st.fixed_dictionaries(
        {}, optional={name: st.just(value) for name, value in target.ids.items()}
    )
    headers = {"authorization": f"Bearer {token}"} if token else {}
    checks = CHECKS.get_by_names(list(PROMISES))

    @hypothesis.given(case=cases, known_ids=known_ids)
    @hypothesis.settings(
        max_examples=examples,
        derandomize=EXAMPLES is None,
        deadline=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def attack(case: Any, known_ids: dict[str, str]) -> None:
        given = case.path_parameters or {}
        case.path_parameters = given | {name: id_ for name, id_ in known_ids.items() if name in given}
        response = case.call(base_url=target.url, headers=headers)
        allowed = operation.path == READINESS or response.status_code == REFUSED_UPSTREAM
        assert response.status_code < 500 or allowed, response.text
        case.validate_response(response, checks=checks)

    return attack
