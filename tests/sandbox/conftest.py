"""Build small invented districts, in Schoology and in PowerSchool, and clients of theirs."""

from collections.abc import AsyncIterator

import httpx
import pytest

from gradesync_sandbox.control import control_app
from gradesync_sandbox.faults import Faults
from gradesync_sandbox.world import Classroom, World, build
from harness.control_desk import Desk
from harness.powerschool_client import District, Plugin
from harness.signing import client as signed


@pytest.fixture
def world() -> World:
    return build(students=7, assignments=6, sections=2)


@pytest.fixture
def room(world: World) -> Classroom:
    return world.classrooms[0]


@pytest.fixture
async def schoology(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Sign calls with the app's key."""
    async with signed(world) as calls:
        yield calls


@pytest.fixture
def district() -> District:
    """Build one class in PowerSchool."""
    return District()


@pytest.fixture
def client(district: District) -> Plugin:
    """Return the installed plugin, which holds a token."""
    return district.client()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    world, faults = build(7, sections=2, students=4, assignments=2, ideal=True), Faults()
    transport = httpx.ASGITransport(control_app(world, faults))
    async with httpx.AsyncClient(transport=transport, base_url="http://control.example") as http:
        yield Desk(world, faults, http)
