"""Check that the run book has an entry for every failure, and that its calls and commands exist."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from gradesync.api.problems import CATALOG as PROBLEMS
from gradesync.cli import app
from gradesync.core.catalog import CATALOG as REASONS
from gradesync.settings import PREFIX, Settings
from harness.api_document import api_document

DOCS = Path(__file__).parents[2] / "docs"
RUN_BOOK = (DOCS / "operations.md").read_text()


def _headings(text: str) -> list[str]:
    return [anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]


def chapter(title: str) -> str:
    return RUN_BOOK.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def entries(title: str) -> list[str]:
    """Return the codes that a chapter has an entry for, each with its anchor."""
    found = re.findall(r'^\| <a id="([a-z-]+)"></a>`([a-z-]+)` \| \S.* \|$', chapter(title), re.MULTILINE)
    assert all(anchor == code for anchor, code in found)
    return [code for _, code in found]


def anchor(heading: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_run_book_covers_every_reason() -> None:
    assert Counter(entries("Failures")) == Counter(str(code) for code in REASONS)


def test_run_book_covers_every_problem() -> None:
    assert Counter(entries("Problems of the API")) == Counter(PROBLEMS.keys() - set(map(str, REASONS)))


def test_run_book_anchors_are_unique_and_links_exist() -> None:
    anchors = [*_headings(RUN_BOOK), *re.findall(r'<a id="([\w-]+)">', RUN_BOOK)]
    assert [name for name, times in Counter(anchors).items() if times > 1] == []
    for path, name in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", RUN_BOOK):
        assert not path or (DOCS / path).exists(), path
        if name:
            there = anchors if not path else _headings((DOCS / path).read_text())
            assert name in there, (path, name)


def test_run_book_calls_exist() -> None:
    known = {
        (method.upper(), re.sub(r"\{\w+\}", "{id}", path)): {
            parameter["name"] for parameter in operation.get("parameters", [])
        }
        for path, operations in api_document()["paths"].items()
        for method, operation in operations.items()
    }
    named = re.findall(r"`(GET|POST|PUT|PATCH) (/[^`?]*)\??([^`]*)`", RUN_BOOK)
    assert named
    for method, path, query in named:
        asked = {part.partition("=")[0] for part in query.split("&") if part}
        assert asked <= known[method, path], (method, path, query)


def test_run_book_commands_exist() -> None:
    named = set(re.findall(r"gradesync ((?:[a-z]+ )?[a-z]+)(?= [A-Z-]|`|\n| riverside)", RUN_BOOK))
    assert named
    assert named <= set(_commands(get_command(app), ""))


def _commands(command: Any, words: str) -> Iterator[str]:
    yield words.strip()
    for word, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, f"{words} {word}")


def test_run_book_settings_exist() -> None:
    named = set(re.findall(rf"{PREFIX}([A-Z_]+)", RUN_BOOK))
    assert {name.lower() for name in named} <= Settings.model_fields.keys()
