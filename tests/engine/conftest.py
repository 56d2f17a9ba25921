"""The environment, and the small class that most tests of this folder begin with."""

from harness.environment import environment, harness

__all__ = ["environment", "harness"]
