"""Check the functions that the architecture page names, the package table, and the index of pages."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text()
PAGE = (DOCS / "architecture.md").read_text()
STEPS = PAGE.partition("\n## Follow one sync in twelve steps\n")[2].partition("\n## ")[0]
STEP = re.compile(r"^(\d+)\. (.+?)(?=^\d+\. |^\S|\Z)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[`([\w.]+)`\]\(([^)#]+\.py)\)")


def list_definitions(path: Path) -> set[str]:
    """Return the functions of a file, those of its classes as `Class.function`."""
    body = ast.parse(path.read_text()).body
    classes = [node for node in body if isinstance(node, ast.ClassDef)]
    members = {f"{owner.name}.{name}" for owner in classes for name in _functions(owner.body)}
    return members | set(_functions(body))


def _functions(body: list[ast.stmt]) -> list[str]:
    return [node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_a_sync_is_followed_in_twelve_steps() -> None:
    assert [number for number, _ in STEP.findall(STEPS)] == [str(number) for number in range(1, 13)]


@pytest.mark.parametrize(("number", "step"), STEP.findall(STEPS))
def test_each_step_links_to_a_function(number: str, step: str) -> None:
    assert step.startswith("[`"), number
    links = LINK.findall(step)
    assert links, number
    for name, path in links:
        assert name in list_definitions(DOCS / path), (name, path)


def test_every_link_of_a_page_leads_to_a_file() -> None:
    for page in DOCS.glob("*.md"):
        links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
        assert [link for link in links if not (DOCS / link).exists()] == [], page.name


def test_the_index_lists_every_page() -> None:
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", (DOCS / "README.md").read_text()))
    assert listed == {page.name for page in DOCS.glob("*.md")} - {"README.md"}


def test_the_readme_lists_every_package() -> None:
    listed = set(re.findall(r"\]\(src/gradesync/([\w.]+)\)", README))
    package = ROOT / "src" / "gradesync"
    packages = {path.parent.name for path in package.glob("*/__init__.py")}
    modules = {path.name for path in package.glob("*.py")} - {"__init__.py"}
    assert listed == packages | modules
