"""Check the prose of the pages: short sentences, decisions in three sentences, each check before a commit."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.md")])
WORDS = 20
LINE = 120
CODE = re.compile(r"```.*?```", re.DOTALL)
SENTENCE_END = re.compile(r"(?<=[.!?])[\s*)_]+(?=\S)")
LIST_MARK = re.compile(r"^\s*(?:[-*]|\d+\.) ")
DECISION = re.compile(r"^## (.+)\n\n((?:(?!## ).*\n)+)", re.MULTILINE)


def sentences(page: Path) -> Iterator[str]:
    """Yield the sentences of a page's paragraphs and lists, without its code, tables and headings."""
    paragraph: list[str] = []
    for line in [*CODE.sub("", page.read_text()).splitlines(), ""]:
        if not line.strip() or line.startswith(("#", "|", "<")) or LIST_MARK.match(line):
            yield from filter(str.strip, SENTENCE_END.split(" ".join(paragraph)))
            paragraph = []
        if line.strip() and not line.startswith(("#", "|", "<")):
            paragraph.append(LIST_MARK.sub("", line).strip())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_sentences_are_short_on_average(page: Path) -> None:
    lengths = [len(sentence.split()) for sentence in sentences(page)]
    assert sum(lengths) <= WORDS * len(lengths)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_are_short_outside_of_tables_and_code(page: Path) -> None:
    lines = CODE.sub("", page.read_text()).splitlines()
    assert [line for line in lines if len(line) > LINE and not line.startswith("|")] == []


def test_decisions_have_a_date_and_three_sentences() -> None:
    page = (ROOT / "docs" / "decisions.md").read_text()
    decisions = DECISION.findall(page)
    assert len(decisions) == page.count("\n## ")
    for title, body in decisions:
        assert re.search(r" \(20\d\d-\d\d\)$", title), title
        assert len(re.findall(r"[.!?](?=\s)", body)) == 3, title


def test_hooks_run_every_check_of_make_check() -> None:
    recipe = re.search(r"^check:.*\n((?:\t.+\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    checks = {_plain(line) for line in recipe[1].replace("$(BIN)", ".venv/bin").splitlines()}
    (hooks,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {_plain(hook["entry"]) for hook in hooks["hooks"]} == checks


def _plain(command: str) -> str:
    """Return a command without the options that only differ in how much it prints, or that repair at once."""
    return re.sub(r" (?:-q|--check|--fix)(?= |$)", "", command.strip())
