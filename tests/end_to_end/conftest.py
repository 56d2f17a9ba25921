"""Provide a folder for servers that gradesync's commands start."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """Provide a folder that the servers' own user may pass through."""
    made = Path(tempfile.mkdtemp(prefix="gradesync-test-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)
