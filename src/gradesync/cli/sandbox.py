"""Define the command `sandbox`, which runs a program of its own that gradesync knows only by its URLs."""

import os
import sys

import typer

OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def sandbox(context: typer.Context) -> None:
    """Serve an invented district as Schoology, as SIS and as LTI platform; --help lists options."""
    os.execv(sys.executable, [sys.executable, "-m", "gradesync_sandbox", *context.args])  # noqa: S606
