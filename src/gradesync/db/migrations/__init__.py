"""The migrations of this release, one module each, numbered in their order."""

from functools import cache
from importlib.resources import files


@cache
def head() -> str:
    """The newest one: four digits, so that a later one is greater. Alembic would be slow to ask."""
    names = (entry.name for entry in files(f"{__name__}.versions").iterdir())
    return max(name[1:5] for name in names if name.startswith("v"))
