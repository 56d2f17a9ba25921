"""Provide a folder to the engines' own user."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.programs import new_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a folder that the engines' user can reach, unlike those of pytest."""
    with new_folder() as made:
        yield made
