"""Check that every command which reads a URL refuses nonsense in two lines, without showing it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from gradesync.cli import app
from gradesync.settings import Settings
from harness.commands import run_gradesync

# They read no settings.
WITHOUT = {"sandbox", "demo", "openapi", "district routes", "report verify"}
ARGUMENTS = {
    "up": ("--port", "0"),
    "serve": ("--port", "0"),
    "rehearse": ("riverside",),
    "district apply": ("FILE",),
    "district diff": ("FILE",),
    "district invite": ("riverside", "--name", "Ann"),
    "district file": ("riverside",),
    "district check": ("riverside",),
    "district pause": ("riverside", "--reason", "Why."),
    "district resume": ("riverside",),
    "district move": ("riverside", "--to", "postgresql://o:p@127.0.0.1:9/d"),
    "district export": ("riverside", "-"),
    "district delete": ("riverside", "--yes"),
    "client create": ("riverside", "--scope", "syncs:read"),
    "client list": ("riverside",),
    "client rotate": ("riverside", "gs_1"),
    "client revoke": ("riverside", "gs_1"),
    "report create": ("riverside", "--out", "OUT"),
}
NONSENSE = ("hidden", "postgresql://u:p@h:hidden/d", "redis://:hidden/more@h/0", "x://u:hidden@h?y=1")


def list_commands(group: Any, prefix: str = "") -> Iterator[str]:
    for name, command in getattr(group, "commands", {}).items():
        if hasattr(command, "commands"):
            yield from list_commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name


COMMANDS = sorted(set(list_commands(typer.main.get_command(app))) - WITHOUT)


@pytest.mark.parametrize("name", ["DATABASE_URL", "MIGRATE_DATABASE_URL", "REDIS_URL"])
@pytest.mark.parametrize("command", COMMANDS)
async def test_wrong_url_is_named_and_not_shown(
    settings: Settings, tmp_path: Path, command: str, name: str
) -> None:
    file, out = tmp_path / "riverside.toml", tmp_path / "out.zip"
    file.write_text("")
    places = {"FILE": str(file), "OUT": str(out)}
    arguments = [places.get(each, each) for each in ARGUMENTS.get(command, ())]
    for url in NONSENSE:
        environment = settings.environment() | {f"GRADESYNC_{name}": url}
        done = await run_gradesync(*command.split(), *arguments, environment=environment)
        assert done.code == 1
        assert f"GRADESYNC_{name}: Value error, write it as " in done.err
        assert "hidden" not in done.out + done.err
        assert len(done.err.splitlines()) <= 3
