"""Provide an environment and a small class, and report how many cells of the fault matrix ran."""

import pytest

from harness.environment import environment, harness

__all__ = ["environment", "harness"]

_cells: list[int] = []  # of each test that ran some, reported by the process that it ran in


@pytest.fixture
def one_in(run_all: bool) -> int:
    """Return which share of the kinds of call each effect strikes, more of them with `--all`."""
    return 4 if run_all else 8


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        _cells.extend(n for name, n in report.user_properties if name == "cells" and isinstance(n, int))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _cells:
        terminalreporter.write_line(f"fault matrix: {sum(_cells)} cells ran")
