"""Run the `gradesync` command, by `python -m gradesync`."""

from gradesync.cli import app

app()
