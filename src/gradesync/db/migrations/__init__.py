"""Hold the migrations of this release, one module each, numbered in their order."""

from functools import cache
from importlib.resources import files


@cache
def head() -> str:
    """Return the newest revision: four digits, so that a later one is greater."""
    # From the file names: alembic takes long to load them.
    names = (entry.name for entry in files(f"{__name__}.versions").iterdir())
    return max(name[1:5] for name in names if name.startswith("v"))
