"""Provide the environment and the small class that most tests of this folder start with."""

from harness.certificates import untrusted
from harness.environment import environment, harness

__all__ = ["environment", "harness", "untrusted"]
