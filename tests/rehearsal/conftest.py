"""Provide the environment and the small class of the tests that run a real sync."""

from harness.environment import environment, harness

__all__ = ["environment", "harness"]
