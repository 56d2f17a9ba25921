"""`sandbox`: an invented district. It is a program of its own, which gradesync knows only by its URLs."""

import os
import sys

import typer

OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def sandbox(context: typer.Context) -> None:
    """Serve an invented district as Schoology, as PowerSchool and as LTI platform; --help tells more."""
    os.execv(sys.executable, [sys.executable, "-m", "gradesync_sandbox", *context.args])  # noqa: S606
