"""`python -m gradesync` is the `gradesync` command."""

from gradesync.cli import app

app()
