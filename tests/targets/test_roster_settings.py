"""Test that a server refuses the other value of each setting, and takes its own; and its switches."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from gradesync.oneroster.profiles import Profile, Version
from gradesync_sandbox.oneroster.state import open_face
from gradesync_sandbox.schoology.model import Mark
from gradesync_sandbox.world import build
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.sis_kinds import change_settings, face_of

LONG = "An assignment whose name is longer than fifty characters are"


@dataclass(frozen=True)
class Case:
    """Hold a server, a value of a setting that it doesn't take, the reason which shows that, and its own.

    `demands` changes the server of the profile. `prepare` makes the setting matter, before the first sync.
    """

    profile: str
    setting: str
    other: str | int | bool
    reason: str
    own: str | int | bool
    version: str | None = None
    demands: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[DistrictHarness], object] = lambda _: None
    own_reason: str | None = None

    def __str__(self) -> str:
        return f"{self.setting}={self.own}"


def rename(harness: DistrictHarness) -> None:
    harness.edit(harness.items[0], title=LONG)


def halve_points(harness: DistrictHarness) -> None:
    harness.edit(harness.items[0], max_points=Decimal("9.5"))


def grade_finely(harness: DistrictHarness) -> None:
    harness.grade(harness.items[0], harness.students[0], Decimal("3.125"))


def excuse(harness: DistrictHarness) -> None:
    harness.mark(harness.items[0], harness.students[0], Mark.EXCUSED)


def end_with_term(harness: DistrictHarness) -> None:
    last = harness.world.powerschool.term_of(harness.room.sis).lastday
    harness.edit(harness.items[0], due=datetime.combine(last, time(12)))


def end_after_term(harness: DistrictHarness) -> None:
    last = harness.world.powerschool.term_of(harness.room.sis).lastday
    harness.edit(harness.items[0], due=datetime.combine(last + timedelta(days=1), time(12)))


REFUSED, UNREADABLE = "assignment-not-accepted", "sis-unreadable"
NO_TOKEN = "sis-credentials-refused"
CASES = [
    Case("standard", "auth", "form", NO_TOKEN, "basic"),
    Case("standard", "auth", "basic", NO_TOKEN, "form", demands={"auth": "form"}),
    Case("standard", "auth", "oauth1-sha256", NO_TOKEN, "oauth1-sha1", demands={"auth": "oauth1-sha1"}),
    Case("eschoolplus", "auth", "oauth1-sha1", NO_TOKEN, "oauth1-sha256", "1.1"),
    Case("standard", "refs", "minimal", REFUSED, "full"),
    Case("google-compatible", "refs", "full", REFUSED, "minimal"),
    Case("standard", "score_date", "date-time", "score-not-accepted", "date"),
    Case("google-compatible", "score_date", "date", "score-not-accepted", "date-time"),
    Case("standard", "path_case", "lower", REFUSED, "camel"),
    Case("standard", "path_case", "camel", REFUSED, "lower", demands={"lower_case": True}),
    Case("aspen", "title_limit", 255, REFUSED, 50, prepare=rename, own_reason="title-too-long"),
    Case("standard", "title_limit", 50, "title-too-long", 255, prepare=rename),
    Case(
        "skyward",
        "whole_points",
        False,
        REFUSED,
        True,
        prepare=halve_points,
        own_reason="points-not-accepted",
    ),
    Case("standard", "whole_points", True, "points-not-accepted", False, prepare=halve_points),
    Case("standard", "decimals", 4, "score-not-accepted", 2, demands={"decimals": 2}, prepare=grade_finely),
    Case("standard", "categories", "constant", REFUSED, "class"),
    Case("standard", "categories", "class", UNREADABLE, "global", "1.1"),
    Case("infinite-campus", "categories", "global", REFUSED, "constant", "1.1"),
    Case("powerschool-universal", "score_type", "GRADESCALE", REFUSED, "POINTS"),
    Case("standard", "grading_period", "omit", REFUSED, "send", "1.1"),
    Case(
        "standard",
        "term_end",
        "included",
        REFUSED,
        "excluded",
        prepare=end_after_term,
        own_reason="due-date-outside-term",
    ),
    Case(
        "standard",
        "term_end",
        "excluded",
        "due-date-outside-term",
        "included",
        demands={"term_end": "included"},
        prepare=end_with_term,
    ),
]


async def find_reasons(harness: DistrictHarness) -> set[str | None]:
    """Sync, and return why what did not go didn't; a score goes with its assignment."""
    done = await harness.sync(mode="full")
    reasons = {done.error_code, *(row.reason for row in await harness.outcomes(done))}
    return reasons - {None, "assignment-failed", "assignment-skipped"}


@pytest.mark.sample(4)
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_server_takes_its_own_value_of_a_setting_alone(environment: Environment, case: Case) -> None:
    world = build(7, 1, 1, 1, ideal=True)
    face = open_face(world.powerschool, case.profile, case.version)
    face.demands = replace(face.demands, **case.demands)
    async with environment.open_district(world, oneroster=face) as harness:
        case.prepare(harness)
        await change_settings(harness, **{case.setting: case.other})
        assert case.reason in await find_reasons(harness)
        assert not any(cell for cells in harness.table().values() for cell in cells.values())
        await harness.pass_time()
        await change_settings(harness, **{case.setting: case.own})
        assert await find_reasons(harness) == ({case.own_reason} if case.own_reason else set())


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("server", "setting", "outcome", "deletes"),
    [
        ("delete", "delete", ("cleared", None), 1),
        ("delete", "not-submitted", ("failed", "score-not-accepted"), 0),
        ("not-submitted", "not-submitted", ("cleared", None), 0),
        ("not-submitted", "delete", ("skipped", "cannot-clear"), 1),
        ("cannot", "cannot", ("skipped", "cannot-clear"), 0),
        ("cannot", "delete", ("skipped", "cannot-clear"), 1),
    ],
)
async def test_a_score_is_cleared_as_the_server_allows(
    environment: Environment, server: str, setting: str, outcome: tuple[str, str | None], deletes: int
) -> None:
    async with open_roster(environment, blank=server) as harness:
        await change_settings(harness, blank=setting)
        await harness.sync()
        harness.forget_calls()
        harness.clear(harness.items[0], harness.students[0])
        cells = await harness.outcomes_by_cell(await harness.sync())
        assert cells[harness.items[0].id, harness.students[0]] == outcome
        assert harness.writes.count("result.delete") == deletes


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("needs_score", "setting", "shown"),
    [
        (False, "none", None),
        (True, "0", 0),
        (True, "last", 7),
        (False, "0", "refused"),
        (True, "none", "refused"),
    ],
)
async def test_an_excused_score_has_beside_it_what_the_server_wants(
    environment: Environment, needs_score: bool, setting: str, shown: object
) -> None:
    async with open_roster(environment, exempt_needs_score=needs_score) as harness:
        await change_settings(harness, excused_score=setting)
        item, ann = harness.items[0], harness.students[0]
        harness.grade(item, ann, 7)
        await harness.sync()
        harness.mark(item, ann, Mark.EXCUSED)
        reasons = await find_reasons(harness)
        if shown == "refused":
            assert reasons == {"score-not-accepted"}
            return
        assert reasons == set()
        (fields,) = face_of(harness).result_fields.values()
        assert (fields["scoreStatus"], fields.get("score")) == ("exempt", shown)


@pytest.mark.parametrize(
    ("keeps", "setting", "outcome"),
    [
        (True, True, ("failed", "entered-in-sis")),
        (False, True, ("written", None)),
        (False, False, ("written", None)),
    ],
)
async def test_an_entry_of_the_sis_is_kept_where_the_server_keeps_it(
    environment: Environment, keeps: bool, setting: bool, outcome: tuple[str, str | None]
) -> None:
    async with open_roster(environment, keeps_entries=keeps) as harness:
        await change_settings(harness, keeps_entries=setting)
        item, ann = harness.items[0], harness.students[0]
        await harness.sync()
        harness.type_in_sis(item, ann, 1)
        harness.grade(item, ann, 3)
        cells = await harness.outcomes_by_cell(await harness.sync(mode="full"))
        assert cells[item.id, ann] == outcome


async def test_a_kept_entry_that_no_setting_expects_is_no_access(environment: Environment) -> None:
    async with open_roster(environment, keeps_entries=True) as harness:
        await harness.sync()
        harness.type_in_sis(harness.items[0], harness.students[0], 1)
        assert (await harness.sync(mode="full")).error_code == "sis-permission-missing"


@pytest.mark.parametrize(("version", "reasons"), [("1.1", {REFUSED}), ("1.2", set())])
async def test_a_server_speaks_its_own_version_alone(
    environment: Environment, version: Version, reasons: set[str]
) -> None:
    async with open_roster(environment) as harness:
        access = harness.district.sis.oneroster
        assert access is not None
        changed = replace(access, version=version)
        sis = replace(harness.district.sis, oneroster=changed)
        await harness.replace_district(replace(harness.district, sis=sis))
        assert await find_reasons(harness) == reasons


@asynccontextmanager
async def open_roster(environment: Environment, **demands: Any) -> AsyncIterator[DistrictHarness]:
    """Open a district of one score, whose standard server of version 1.2 has these demands."""
    world = build(7, 1, 1, 1, ideal=True)
    face = open_face(world.powerschool, "standard")
    face.demands = replace(face.demands, **demands)
    async with environment.open_district(world, oneroster=face) as harness:
        yield harness


def test_every_setting_has_both_its_values_tested() -> None:
    tested = {case.setting for case in CASES} | {"blank", "excused_score", "keeps_entries"}
    # In test_roster_writes.py, test_roster_unreadable.py and test_profiles.py.
    tested |= {"version", "bulk_post", "connections", "reads_scores", "calls_per_minute"}
    assert tested == {setting.name for setting in fields(Profile)}


async def test_the_control_api_sets_the_switches(environment: Environment) -> None:
    world = build(7, 1, 1, 1, ideal=True)
    face = open_face(world.powerschool, "standard")
    async with environment.open_district(world, oneroster=face) as harness, httpx.AsyncClient() as client:
        url = f"{harness.sandbox.control_url}/systems/oneroster/switches"
        assert (await client.patch(url, json={"empty_sets": True})).json()["empty_sets"] is True
        assert face.switches.empty_sets
        assert (await client.patch(url, json={"totals": "perhaps"})).status_code == 422
