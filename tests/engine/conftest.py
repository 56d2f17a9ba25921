"""The theatre, for the tests of this folder."""

from stage import theatre

__all__ = ["theatre"]
