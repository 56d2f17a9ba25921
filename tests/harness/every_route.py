"""Declare every route of the API with the scope that opens it, and try them in two districts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import httpx
from sqlalchemy import text

from gradesync.access.console import console_caller
from gradesync.access.tokens import CLIENT_LIFETIME, TEACHER_LIFETIME, Caller
from gradesync.core.district import ConsoleAccess, District, Role
from harness.api import EVERYTHING, ApiClient, ApiHarness
from harness.every_table import NAMES
from harness.known_districts import register_district

HOOK = {"url": "https://hooks.example.org/"}
CLIENT = {"name": "Warehouse", "scopes": ["district:write"]}
UNDO = {"student": "5790000", "as_of": "2026-11-26T12:00:00Z"}
PAUSE = {"reason": "An upgrade.", "section": "7"}
SCHEDULE = {"days": ["monday"], "begins": "01:00", "ends": "05:00", "section": "7"}


class Rule(NamedTuple):
    """Declare the scope that opens a route; `teachers` if a teacher's token can open it."""

    scope: str
    teachers: bool = False
    body: Any = None


OPEN = {
    ("POST", "/oauth/token"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/problems/{code}"),
}
SECTION = "/sections/{section_id}"
SYNC = f"{SECTION}/syncs/{{sync_id}}"
COMPARISONS = f"{SECTION}/comparisons"
HOOKS = "/webhooks/{webhook_id}"
DECISIONS = {"decisions": [{"assignment": "1", "sis_student": "1", "choice": "stop"}]}
RULES: dict[tuple[str, str], Rule] = {
    ("POST", f"{SECTION}/syncs"): Rule("syncs:write", True, {"dry_run": True}),
    ("GET", f"{SECTION}/syncs"): Rule("syncs:read", True),
    ("GET", SYNC): Rule("syncs:read", True),
    ("GET", f"{SYNC}/outcomes"): Rule("syncs:read", True),
    ("GET", f"{SYNC}/reasons"): Rule("syncs:read", True),
    ("GET", f"{SYNC}/assignments"): Rule("syncs:read", True),
    ("GET", f"{SYNC}/gradebook"): Rule("syncs:read", True),
    ("GET", f"{SYNC}/events"): Rule("syncs:read", True),
    ("POST", COMPARISONS): Rule("syncs:read", True),
    ("GET", COMPARISONS): Rule("syncs:read", True),
    ("GET", f"{COMPARISONS}/{{comparison_id}}"): Rule("syncs:read", True),
    ("GET", f"{COMPARISONS}/{{comparison_id}}/cells"): Rule("syncs:read", True),
    ("POST", f"{SECTION}/totals"): Rule("syncs:read", True, {}),
    ("GET", f"{SECTION}/history"): Rule("syncs:read", True),
    ("GET", f"{SECTION}/statement"): Rule("syncs:read", True),
    ("POST", "/statements"): Rule("syncs:read"),
    ("POST", f"{SECTION}/undo"): Rule("syncs:write", True, UNDO),
    ("GET", f"{SECTION}/drift"): Rule("syncs:read", True),
    ("POST", f"{SECTION}/drift"): Rule("syncs:write", True, DECISIONS),
    ("GET", f"{SECTION}/assignments"): Rule("sections:read", True),
    ("GET", f"{SECTION}/waiting"): Rule("sections:read", True),
    ("PATCH", f"{SECTION}/assignments"): Rule("syncs:write", True, {"ids": [], "sync_to_sis": True}),
    ("PATCH", f"{SECTION}/assignments/{{assignment_id}}"): Rule("syncs:write", True, {"sync_to_sis": True}),
    ("GET", SECTION): Rule("sections:read", True),
    ("PUT", SECTION): Rule("sections:write", body={}),
    ("GET", f"{SECTION}/categories"): Rule("sections:read", True),
    ("PUT", f"{SECTION}/categories"): Rule("sections:write", body={"pairs": []}),
    ("POST", f"{SECTION}/categories/copy"): Rule("sections:write", body={"sections": ["7"]}),
    ("GET", "/categories/titles"): Rule("sections:read"),
    ("PUT", "/categories/titles"): Rule("sections:write", body={"titles": {}}),
    ("POST", "/categories/import"): Rule("sections:write", body={"rows": []}),
    ("GET", "/sections"): Rule("sections:read"),
    ("GET", "/schools"): Rule("sections:read"),
    ("POST", "/sections/import"): Rule("sections:write", body={"rows": []}),
    ("GET", "/syncs"): Rule("syncs:read"),
    ("POST", "/connections/check"): Rule("connections:check"),
    ("GET", "/overview"): Rule("sections:read"),
    ("GET", "/categories/unmapped"): Rule("sections:read"),
    ("POST", "/categories/titles/preview"): Rule("sections:read", body={"rules": []}),
    ("GET", "/audit"): Rule("audit:read"),
    ("GET", "/students"): Rule("students:read"),
    ("GET", "/students/{student_id}/scores"): Rule("students:read"),
    ("GET", "/policy"): Rule("district:read"),
    ("PATCH", "/policy"): Rule("district:write", body={}),
    ("GET", "/pause"): Rule("district:read"),
    ("POST", "/pause"): Rule("district:write", body=PAUSE),
    ("DELETE", "/pause/{pause_id}"): Rule("district:write"),
    ("POST", "/runs"): Rule("syncs:write", body={"sections": ["7"]}),
    ("GET", "/runs"): Rule("syncs:read"),
    ("GET", "/runs/{run_id}"): Rule("syncs:read"),
    ("GET", "/runs/{run_id}/sections"): Rule("syncs:read"),
    ("POST", "/runs/{run_id}/stop"): Rule("syncs:write"),
    ("GET", "/schedules"): Rule("syncs:read"),
    ("POST", "/schedules"): Rule("syncs:write", body=SCHEDULE),
    ("DELETE", "/schedules/{schedule_id}"): Rule("syncs:write"),
    ("POST", "/preflight"): Rule("sections:read"),
    ("GET", "/preflight"): Rule("sections:read"),
    ("GET", "/preflight/{preflight_id}"): Rule("sections:read"),
    ("GET", "/preflight/{preflight_id}/findings"): Rule("sections:read"),
    ("GET", "/district/file"): Rule("district:read"),
    ("GET", "/district/differences"): Rule("district:read"),
    ("GET", "/clients"): Rule("district:read"),
    ("POST", "/clients"): Rule("district:write", body=CLIENT),
    ("POST", "/clients/{client_id}/rotate"): Rule("district:write"),
    ("DELETE", "/clients/{client_id}"): Rule("district:write"),
    ("GET", "/preflight/{preflight_id}/sections"): Rule("sections:read"),
    ("GET", "/webhooks"): Rule("district:read"),
    ("POST", "/webhooks"): Rule("district:write", body=HOOK),
    ("POST", f"{HOOKS}/rotate"): Rule("district:write"),
    ("POST", f"{HOOKS}/test"): Rule("district:write"),
    ("GET", f"{HOOKS}/deliveries"): Rule("district:read"),
    ("POST", f"{HOOKS}/deliveries/{{delivery_id}}/replay"): Rule("district:write"),
    ("DELETE", HOOKS): Rule("district:write"),
}
# Ids that belong to one district. A section's id is Schoology's: two districts may both have it.
OWNED = (
    "sync_id",
    "webhook_id",
    "delivery_id",
    "preflight_id",
    "pause_id",
    "comparison_id",
    "run_id",
    "schedule_id",
    "client_id",
)


@dataclass
class TwoDistricts:
    """Hold two districts that read the same Schoology, each with rows of every kind."""

    api: ApiHarness
    ours: dict[str, str]
    theirs: dict[str, str]

    def token(self, district: str, client: str, *scopes: str, section: str | None = None) -> ApiClient:
        subject = "5790000" if section else client
        caller = Caller(district, client, subject, frozenset(scopes or EVERYTHING), section)
        life = TEACHER_LIFETIME if section else CLIENT_LIFETIME
        return ApiClient(self.api.http, self.api.runtime.tokens.issue(caller, life))

    async def admin(self, role: Role, district: District | None = None) -> ApiClient:
        """Return a system admin's console with that role; all admins of that district get it."""
        given = replace(district or self.api.district, console=ConsoleAccess(role))
        await register_district(self.api.runtime.context.database, given)
        caller = console_caller(given, "5799999", role)
        return ApiClient(self.api.http, self.api.runtime.tokens.issue(caller, CLIENT_LIFETIME))

    async def ask(self, client: ApiClient, route: tuple[str, str], ids: dict[str, str]) -> httpx.Response:
        method, path = route
        body = RULES[route].body
        if isinstance(body, dict) and "ids" in body:
            body = {**body, "ids": [ids["assignment_id"]] if ids else []}
        return await client.ask(method, path.format(**ids), json=body)

    async def checksums(self) -> dict[str, str]:
        """Return a checksum of every table."""
        async with self.api.urls.owner() as owner:
            return {
                name: await owner.scalar(
                    text(f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t")  # noqa: S608
                )
                for name in NAMES
            }

    async def own_checksums(self) -> dict[str, Any]:
        """Return a checksum of our district's rows in every table."""
        async with self.api.urls.owner() as owner:
            return {
                name: await owner.scalar(
                    text(
                        f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t "  # noqa: S608
                        f"WHERE {'id' if name == 'district' else 'district_id'} = :mine"
                    ),
                    {"mine": self.api.district.id},
                )
                for name in NAMES
            }

    async def expect_refusals(
        self, client: ApiClient, routes: Iterable[tuple[str, str]], ids: dict[str, str], status: int
    ) -> None:
        """Expect each request to get the status, to show no id, and to write nothing."""
        before = await self.checksums()
        for route in routes:
            response = await self.ask(client, route, ids)
            assert response.status_code == status, (route, response.text)
            assert response.json().keys() <= {"type", "title", "status", "code", "fix", "detail", "scope"}, (
                route
            )
            assert not [id_ for id_ in (*self.ours.values(), *self.theirs.values()) if id_ in response.text]
        assert await self.checksums() == before


async def create_rows(api: ApiHarness, office: ApiClient, section: str) -> dict[str, str]:
    hook = (await office.post("/webhooks", HOOK)).json()["id"]
    sync = await api.sync(office, section)
    rooms = {str(room.section.id): room for room in api.world.classrooms}
    (delivery,) = (await office.get(f"/webhooks/{hook}/deliveries")).json()["items"]
    return {
        "section_id": section,
        "sync_id": sync["id"],
        "webhook_id": hook,
        "delivery_id": delivery["id"],
        "preflight_id": (await office.post("/preflight")).json()["id"],
        "pause_id": (await office.post("/pause", PAUSE)).json()["id"],
        "schedule_id": (await office.post("/schedules", SCHEDULE)).json()["id"],
        "run_id": (await office.post("/runs", {"sections": ["7"]})).json()["id"],
        "student_id": str(next(iter(rooms[section].students))),
        "client_id": (await office.post("/clients", CLIENT)).json()["id"],
        "comparison_id": (await office.post(f"/sections/{section}/comparisons")).json()["id"],
        "assignment_id": (await office.get(f"/sections/{section}/assignments")).json()["items"][0]["id"],
    }


async def open_two_districts(api: ApiHarness) -> TwoDistricts:
    """Make a neighbor, and rows of every kind in both districts."""
    await api.change_policy(runs=True, schedules=True)
    own, neighbor = api.district, await api.add_neighbor()
    ours = await create_rows(api, await api.office(), api.section)
    api.district = neighbor
    theirs = await create_rows(api, await api.office(), str(api.world.classrooms[1].section.id))
    api.district = own
    return TwoDistricts(api, ours, theirs)
