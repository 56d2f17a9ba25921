"""Provide a later release of the migrations, which must fit those of this one."""

from pathlib import Path

import pytest
from alembic.config import Config

from gradesync.db import migrate, migrations, session

LATER_RELEASE = Path(__file__).parent / "later_release"
VERSIONS = Path(migrations.__file__).parent / "versions"


@pytest.fixture
def later_release(monkeypatch: pytest.MonkeyPatch) -> str:
    """Add a migration that follows those of this release, and return its revision."""
    make = migrate._config

    def config() -> Config:
        made = make()
        made.set_main_option("path_separator", "newline")
        made.set_main_option("version_locations", f"{VERSIONS}\n{LATER_RELEASE}")
        return made

    (revision,) = (file.name[1:5] for file in LATER_RELEASE.glob("v*.py"))
    monkeypatch.setattr(migrate, "_config", config)
    for module in (migrate, session):
        monkeypatch.setattr(module, "head", lambda: revision)
    return revision
