"""Hold the code to its limits: few loose modules, short files and names, docstrings that open with a verb."""

from collections import Counter
from pathlib import Path

import pytest

from shape import sources

LOOSE_MODULES, FILE_LINES, FUNCTION_LINES, NAME_CHARACTERS = 7, 300, 40, 60


def test_loose_modules_are_few() -> None:
    assert len(sources.loose_modules()) <= LOOSE_MODULES, sources.loose_modules()


def test_files_are_short() -> None:
    files = [*sources.all_files(), *sources.page_files()]
    sizes = {str(path.relative_to(sources.ROOT)): sources.count_lines(path) for path in files}
    assert {path: lines for path, lines in sizes.items() if lines > FILE_LINES} == {}


def test_functions_are_short() -> None:
    found = sources.functions(sources.python_files(sources.PACKAGE))
    assert [function for function in found if function.lines > FUNCTION_LINES] == []


@pytest.mark.parametrize("tree", sources.TREES)
def test_docstrings_open_with_a_verb(tree: str) -> None:
    found = sources.docstrings(sources.python_files(sources.ROOT / tree))
    assert [docstring for docstring in found if not sources.opens_with_a_verb(docstring)] == []


@pytest.mark.parametrize("tree", sources.TREES)
def test_code_uses_the_words_of_the_field(tree: str) -> None:
    files = [path for path in sources.python_files(sources.ROOT / tree) if path != Path(sources.__file__)]
    assert sources.old_words_of_code(files) == []


def test_pages_use_the_words_of_the_field() -> None:
    root = sources.ROOT
    pages = [root / "CHANGELOG.md", root / "README.md", *(root / "docs").glob("*.md")]
    assert sources.old_words_of_text([*pages, *sources.page_files(), *(root / "openapi").iterdir()]) == []


def test_other_sources_use_the_words_of_the_field() -> None:
    assert sources.old_words_of_text(sources.other_sources(), *sources.SPEECH) == []


def test_files_of_tests_have_names_of_their_own() -> None:
    """Two of one name cannot be collected together."""
    names = Counter(path.name for path in (sources.ROOT / "tests").rglob("test_*.py"))
    assert [name for name, files in names.items() if files > 1] == []


def test_names_of_tests_are_short() -> None:
    found = sources.functions(sources.python_files(sources.ROOT / "tests"))
    tests = [function for function in found if function.name.startswith("test_")]
    assert [test for test in tests if len(test.name) > NAME_CHARACTERS] == []
