"""Read the facts that a deployment must agree with: the command line, the settings, the image."""

import re
from collections.abc import Iterable
from pathlib import Path

import typer

from gradesync.cli import app
from gradesync.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SETTINGS = {PREFIX + name.upper() for name in Settings.model_fields}
DRAIN = Settings.model_fields["drain_seconds"].default
SPARE_SECONDS = 5


def parsed(arguments: list[str]) -> tuple[str, dict[str, object]]:
    """Return the command that the arguments call, and its options. Raises click's `UsageError`."""
    group = typer.main.get_command(app)
    context = group.make_context("gradesync", list(arguments), resilient_parsing=False)
    name, command, rest = group.resolve_command(context, list(arguments))  # type: ignore[attr-defined]
    return name, command.make_context(name, rest).params


def image_user() -> tuple[int, int]:
    """Return user and group of the image."""
    user, group = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)[-1]
    return int(user), int(group)


def unknown(names: Iterable[str]) -> list[str]:
    """Return the names that look like settings and are none."""
    return [name for name in names if name.startswith(PREFIX) and name not in SETTINGS]
