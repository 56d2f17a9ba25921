"""Provide two cells, and a district whose sections are synced."""

from harness.cells import cells, east, east_database
from harness.environment import environment, harness

__all__ = ["cells", "east", "east_database", "environment", "harness"]
