"""Check the commands of operators: districts and clients, and hints after mistakes."""

import json
from pathlib import Path

from gradesync.settings import Settings
from gradesync_sandbox.district_file import district_toml
from gradesync_sandbox.server import Sandbox
from gradesync_sandbox.world import build
from harness.commands import run_gradesync

DISTRICT = """id = "riverside"
name = "Riverside Unified"
timezone = "America/Los_Angeles"
[schoology]
consumer_key = "key"
consumer_secret = "a secret of Schoology"
[sis]
kind = "powerschool"
base_url = "https://sis.example.org"
client_id = "id"
client_secret = "a secret of the SIS"
"""


async def test_district_is_applied_changed_and_listed(settings: Settings, tmp_path: Path) -> None:
    environment, file = settings.environment(), tmp_path / "riverside.toml"
    file.write_text(DISTRICT)
    first = await run_gradesync("district", "apply", str(file), "--json", environment=environment)
    again = await run_gradesync("district", "apply", str(file), environment=environment)
    file.write_text(DISTRICT.replace("Unified", "County"))
    changed = await run_gradesync("district", "apply", str(file), environment=environment)
    listed = await run_gradesync("district", "list", "--json", environment=environment)
    assert json.loads(first.out) == {"district": "riverside", "applied": "created"}
    assert "riverside unchanged" in again.out
    assert "riverside changed" in changed.out
    assert json.loads(listed.out) == [{"id": "riverside", "name": "Riverside County"}]
    file.write_text(DISTRICT)
    differs = await run_gradesync("district", "diff", str(file), "--json", environment=environment)
    assert differs.code == 1
    assert json.loads(differs.out) == [
        {"setting": "name", "filed": "Riverside Unified", "in_force": "Riverside County"}
    ]


async def test_district_can_be_piped_into_a_container(settings: Settings) -> None:
    done = await run_gradesync("district", "apply", "-", environment=settings.environment(), piped=DISTRICT)
    assert "riverside created" in done.out, done.err


async def test_mistakes_of_a_file_are_reported_by_line(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "riverside.toml"
    file.write_text(DISTRICT.replace("Los_Angeles", "Los_Angelos").replace("client_id", "clientid"))
    done = await run_gradesync("district", "apply", str(file), environment=settings.environment())
    assert done.code == 1
    assert f"{file}, line 3:" in done.err
    assert '"America/Los_Angeles"' in done.err
    assert f"{file}, line 10:" in done.err
    assert "Did you mean client_id?" in done.err
    assert "client_id is missing under [sis]" in done.err


async def test_invitation_prints_a_link_for_a_new_district(settings: Settings) -> None:
    environment = settings.environment()
    done = await run_gradesync(
        "district", "invite", "riverside", "--name", "Ann Lee", environment=environment
    )
    address, _, secret = done.out.strip().partition("/console/setup#riverside.")
    assert (address, len(secret)) == (settings.public_url, 43)
    refused = await run_gradesync(
        "district", "invite", "River Side", "--name", "Ann", environment=environment
    )
    assert refused.code == 1
    assert "small letters" in refused.err


async def test_secret_of_a_client_is_shown_once(settings: Settings, tmp_path: Path) -> None:
    environment, file = settings.environment(), tmp_path / "riverside.toml"
    file.write_text(DISTRICT)
    await run_gradesync("district", "apply", str(file), environment=environment)
    scopes = ("--scope", "syncs:read", "--scope", "audit:read")
    made = await run_gradesync("client", "create", "riverside", *scopes, "--json", environment=environment)
    (client,) = json.loads(made.out)
    revoked = await run_gradesync(
        "client", "revoke", "riverside", client["client_id"], environment=environment
    )
    again = await run_gradesync("client", "revoke", "riverside", client["client_id"], environment=environment)
    listed = await run_gradesync("client", "list", "riverside", "--json", environment=environment)
    (row,) = json.loads(listed.out)
    assert (row["client_id"], row["scopes"]) == (client["client_id"], "audit:read syncs:read")
    assert row["revoked_at"] is not None
    assert client["client_secret"] not in listed.out
    assert (revoked.code, again.code) == (0, 1)


async def test_client_needs_existing_district_and_scopes(settings: Settings) -> None:
    environment = settings.environment()
    nowhere = await run_gradesync(
        "client", "create", "nowhere", "--scope", "syncs:read", environment=environment
    )
    scope = await run_gradesync(
        "client", "create", "nowhere", "--scope", "sync:read", environment=environment
    )
    assert nowhere.code == scope.code == 1
    assert "No district is called nowhere" in nowhere.err
    assert "syncs:read" in scope.err


async def test_check_names_what_is_wrong_with_a_system(settings: Settings, tmp_path: Path) -> None:
    environment, file = settings.environment(), tmp_path / "riverside.toml"
    async with Sandbox(build(seed=1, sections=1, students=1, assignments=1)) as sandbox:
        text = district_toml(sandbox, "riverside")
        file.write_text(text)
        await run_gradesync("district", "apply", str(file), environment=environment)
        well = await run_gradesync("district", "check", "riverside", "--json", environment=environment)
        file.write_text(text.replace(sandbox.world.powerschool.plugin.client_secret, "another"))
        await run_gradesync("district", "apply", str(file), environment=environment)
        ill = await run_gradesync("district", "check", "riverside", environment=environment)
    assert well.code == 0
    assert all(finding["ok"] for finding in json.loads(well.out))
    assert ill.code == 1
    assert "client_secret" in ill.out
    assert "another" not in ill.out + ill.err


async def test_missing_database_is_reported_with_a_hint(tmp_path: Path) -> None:
    done = await run_gradesync("district", "list", environment={}, folder=tmp_path)
    assert done.code == 1
    assert "gradesync up" in done.err
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - nothing waits for it


async def test_unusable_settings_are_reported_by_name() -> None:
    done = await run_gradesync("worker", environment={"GRADESYNC_PER_DISTRICT": "few"})
    assert done.code == 1
    assert "GRADESYNC_PER_DISTRICT" in done.err


async def test_database_that_does_not_respond_is_reported() -> None:
    environment = {
        "GRADESYNC_DATABASE_URL": "postgresql://gradesync_app:x@127.0.0.1:1/gradesync",
        "GRADESYNC_REDIS_URL": "redis://127.0.0.1:1/0",
        "GRADESYNC_SECRET_KEYS": "k" * 32,
    }
    done = await run_gradesync("district", "list", environment=environment)
    assert done.code == 1
    assert "GRADESYNC_DATABASE_URL" in done.err


async def test_district_is_paused_and_resumed(settings: Settings, tmp_path: Path) -> None:
    environment, file = settings.environment(), tmp_path / "riverside.toml"
    file.write_text(DISTRICT)
    await run_gradesync("district", "apply", str(file), environment=environment)
    why = ("--reason", "An upgrade.")
    blank = ("district", "pause", "riverside", "--reason", "\u200b")
    unsaid = await run_gradesync(*blank, environment=environment)
    assert (unsaid.code, "no visible character" in unsaid.err) == (1, True)
    nowhere = await run_gradesync("district", "pause", "nowhere", *why, environment=environment)
    section = ("--section", "7900000001")
    paused = await run_gradesync("district", "pause", "riverside", *why, *section, environment=environment)
    other = await run_gradesync("district", "resume", "riverside", environment=environment)
    resumed = await run_gradesync("district", "resume", "riverside", *section, environment=environment)
    assert (nowhere.code, other.code) == (1, 1)
    assert "Name what was paused" in other.err
    assert "Section 7900000001 paused" in paused.out, paused.err
    assert "Section 7900000001 resumed" in resumed.out, resumed.err
