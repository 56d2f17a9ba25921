"""Let the SIS store names in another form: that is nobody's edit, and no reason to write (R50)."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import LoseAfter
from gradesync_sandbox.powerschool.switches import NameForm
from harness.assertions import find_false_claims, sync_checked
from harness.district import DistrictHarness
from harness.environment import Environment

NAMES: dict[NameForm, tuple[str, str]] = {
    "collapse": ("Essay  one", "Essay one"),
    "nfc": ("Expose\u0301 one", "Expos\u00e9 one"),
    "cut": ("Essay about the harvest", "Essay about"),
}


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide one assignment and two students, nothing synced yet."""
    async with environment.open_district(world.build(7, 1, 2, 1, ideal=True)) as harness:
        harness.world.powerschool.switches.name_cut = 11
        yield harness


def store_as(harness: DistrictHarness, form: NameForm) -> str:
    """Give the assignment a name of which the SIS stores another form; return that form."""
    harness.world.powerschool.switches.name_form = {form}
    sent, stored = NAMES[form]
    harness.edit(harness.items[0], title=sent)
    return stored


async def assert_quiet(harness: DistrictHarness) -> None:
    """Expect that neither kind of sync writes or warns."""
    for mode in ("changes", "full"):
        harness.forget_calls()
        sync = await harness.sync(mode=mode)
        assert (sync.status, await harness.warnings(sync), harness.writes) == ("complete", {}, [])


@pytest.mark.parametrize("form", list(NAMES))
async def test_R50_a_name_stored_in_another_form_is_no_edit(harness: DistrictHarness, form: NameForm) -> None:
    stored = store_as(harness, form)
    await sync_checked(harness)
    assert list(harness.table()) == [stored]
    await assert_quiet(harness)


@pytest.mark.parametrize("form", list(NAMES))
async def test_R50_a_rename_stored_in_another_form_is_no_edit(
    harness: DistrictHarness, form: NameForm
) -> None:
    await sync_checked(harness)
    stored = store_as(harness, form)
    assert (await sync_checked(harness))[harness.items[0].id, None] == ("updated", None)
    assert list(harness.table()) == [stored]
    await assert_quiet(harness)


@pytest.mark.parametrize("form", list(NAMES))
async def test_R50_a_lost_create_is_found_by_its_form(harness: DistrictHarness, form: NameForm) -> None:
    stored = store_as(harness, form)
    harness.fault("powerschool", "assignment.create", LoseAfter())
    await sync_checked(harness)
    assert list(harness.table()) == [stored]
    assert len(harness.world.powerschool.gradebook.of_section(harness.room.sis)) == 1
    await assert_quiet(harness)


async def test_R50_an_edit_of_a_changed_name_is_still_an_edit(harness: DistrictHarness) -> None:
    stored = store_as(harness, "cut")
    await sync_checked(harness)
    gradebook = harness.world.powerschool.gradebook
    (assignment,) = gradebook.of_section(harness.room.sis)
    assignment.section(harness.room.sis.dcid).name = "Essay"
    sync = await harness.sync()
    assert await harness.warnings(sync) == {(harness.items[0].id, None): ["edited-in-sis"]}
    assert await find_false_claims(harness, await harness.sync(mode="full")) == []
    assert list(harness.table()) == [stored]


async def test_R50_a_rename_beyond_the_cut_is_no_update(harness: DistrictHarness) -> None:
    stored = store_as(harness, "cut")
    await sync_checked(harness)
    harness.edit(harness.items[0], title="Essay about the weather")
    harness.forget_calls()
    await sync_checked(harness)
    assert (list(harness.table()), harness.writes) == ([stored], [])


async def test_R50_a_rename_that_adds_to_the_name_is_sent(harness: DistrictHarness) -> None:
    harness.edit(harness.items[0], title="Essay")
    await sync_checked(harness)
    harness.edit(harness.items[0], title="Essay 2")
    await sync_checked(harness)
    assert list(harness.table()) == ["Essay 2"]


async def test_R50_names_that_are_cut_to_one_make_one_column(harness: DistrictHarness) -> None:
    first = harness.items[0]
    stored = store_as(harness, "cut")
    second = harness.add("Essay about the weather", due=first.due)
    outcomes = await sync_checked(harness)
    assert (outcomes[first.id, None], outcomes[second.id, None]) == (
        ("created", None),
        ("failed", "duplicate-name"),
    )
    for mode in ("changes", "full"):
        assert (await sync_checked(harness, mode=mode))[second.id, None] == ("failed", "duplicate-name")
    assert list(harness.table()) == [stored]
    assert len(harness.world.powerschool.gradebook.of_section(harness.room.sis)) == 1
