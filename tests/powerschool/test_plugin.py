"""Test that the plugin that we ship requests what our code needs, and no more."""

from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gradesync.powerschool.check import READ, WRITTEN
from gradesync_sandbox.faults import Status
from gradesync_sandbox.world import build
from harness.environment import Environment, environment
from harness.powerschool_target import Classroom

__all__ = ["environment"]

PLUGIN = Path(__file__).parents[2] / "deploy/powerschool-plugin/plugin.xml"
SPACE = "{http://plugin.powerschool.pearson.com}"
ROOT = ElementTree.parse(PLUGIN).getroot()  # noqa: S314 - a file of ours
# Tables that worked together with ours on a live server, and that our code does not touch.
UNUSED = {
    "FullAccess": {"assignmentscorecomment"},
    "ViewOnly": {"districtteachercategory", "users"},
}


def granted(access: str) -> dict[str, set[str]]:
    """Return the columns by table, in small letters."""
    columns = defaultdict(set)
    for field in ROOT.iter(f"{SPACE}field"):
        if field.attrib["access"] == access:
            columns[field.attrib["table"].lower()].add(field.attrib["field"].lower())
    return dict(columns)


@pytest.mark.parametrize(("access", "tables"), [("FullAccess", WRITTEN), ("ViewOnly", READ)])
def test_the_plugin_asks_for_the_columns_that_our_code_tries(
    access: str, tables: dict[str, tuple[str, ...]]
) -> None:
    asked = granted(access)
    assert {table: set(columns) for table, columns in tables.items()} == {
        table: columns for table, columns in asked.items() if table not in UNUSED[access]
    }
    assert UNUSED[access] <= asked.keys()


def test_the_plugin_keeps_to_powerschools_limits() -> None:
    fields = [field.attrib for field in ROOT.iter(f"{SPACE}field")]
    assert len({(f["table"], f["field"]) for f in fields}) == len(fields)
    assert all(len(f["table"]) <= 30 and len(f["field"]) <= 30 for f in fields)
    assert ROOT.attrib["name"]
    assert ROOT.attrib["version"]
    oauth, publisher = ROOT.find(f"{SPACE}oauth"), ROOT.find(f"{SPACE}publisher")
    assert oauth is not None
    assert oauth.attrib == {"accessLevelV1Api": "READ"}
    assert publisher is not None
    assert 0 < len(publisher.attrib["name"]) <= 100
    assert all(len(contact.attrib["email"]) <= 40 for contact in publisher)


async def test_the_plugin_is_enough_for_whole_syncs_and_a_check(environment: Environment) -> None:
    """Sync with a student who left (the roster is read), change, read scores back, and check."""
    world = build(seed=7, sections=1, students=18, assignments=36)
    world.powerschool.plugin.install(PLUGIN.read_text())
    async with environment.open_district(world) as harness:
        first = await harness.sync()
        assert first.applied == "some"
        assert harness.differences() == []
        item = harness.room.section.standing()[0]
        item.title = "Another name for it"
        await harness.sync()
        world.powerschool.log.clear()
        full = await harness.sync(mode="full")
        assert harness.differences() == []
        kinds = world.powerschool.log.counts()
        assert kinds["schema.assignmentscore"]
        assert all(call.status != 403 for call in world.powerschool.log.calls)
        assert full.error_code is None
        until = full.settles_by
        findings = await harness.context.systems.check(
            harness.district, until=until, section_id=harness.section
        )
        assert [finding for finding in findings if not finding.ok] == []


async def test_without_one_of_its_columns_a_create_is_refused(environment: Environment) -> None:
    world = build(seed=7, sections=1, students=3, assignments=3, ideal=True)
    world.powerschool.plugin.install(PLUGIN.read_text())
    world.powerschool.plugin.deny("assignment", "createdbyplugin")
    async with environment.open_district(world) as harness:
        sync = await harness.sync()
        assert sync.error_code == "sis-permission-missing"
        findings = await harness.context.systems.check(harness.district, until=sync.settles_by)
        (bad,) = [finding for finding in findings if not finding.ok]
    assert "ASSIGNMENT.CREATEDBYPLUGIN" in bad.detail
    assert "plugin.xml" in bad.fix


async def test_a_column_unknown_to_powerschool_is_no_missing_grant(room: Classroom) -> None:
    body = '{"message":"Invalid field specified: hasretake is not valid column for table: assignmentscore"}'
    room.order("schema.assignmentscore", Status(400, body))
    findings = {finding.check: finding for finding in await room.target().check()}
    assert findings["Table ASSIGNMENTSCORE"].ok
    room.order("schema.terms", Status(400, '{"message":"Invalid field specified: nothing"}'))
    (bad,) = [finding for finding in await room.target().check() if not finding.ok]
    assert bad.check == "Table TERMS"
