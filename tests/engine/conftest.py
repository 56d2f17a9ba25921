"""The theatre, and the small class that most tests of this folder begin with."""

from harness.environment import stage, theatre

__all__ = ["stage", "theatre"]
