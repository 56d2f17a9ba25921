"""Check the tables and drawings of the performance pages against the kept figures."""

import json
from pathlib import Path

import pytest

from bench.cells import COST, LARGE, PARTS, REFUSED, ROWS, USUAL
from bench.kept import read_results
from bench.pages import GROWTH, KEPT, filled, tables
from bench.plots import drawings
from bench.scale import WAITING, cell_lines, lines

TABLES = tables()
DRAWINGS = drawings(json.loads(GROWTH.read_text()))


@pytest.mark.parametrize("page", TABLES, ids=lambda page: page.name)
def test_tables_match_the_kept_figures(page: Path) -> None:
    text = page.read_text()
    assert filled(text, TABLES[page]) == text
    assert all(table in text for table in TABLES[page].values())


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawings_match_the_kept_figures(name: str) -> None:
    assert (GROWTH.parent / name).read_text() == DRAWINGS[name]


def test_arithmetic_follows_the_kept_figures() -> None:
    names = (
        "ledger after ten change syncs, bytes a score",
        "a settled sync, bytes",
        "an outcome, bytes",
        "an entry of the audit log, bytes",
        "Redis, bytes a busy district",
        "processor time of the worker for a sync, ms",
        COST.format("API"),
        WAITING,
    )
    numbers = {line.what: line.number for line in lines(dict.fromkeys(names, 6.0))}
    assert numbers["ledger"] == "15 GB"
    assert numbers["cores for workers"] == "1"
    assert numbers["syncs of one district"] == "0.39/s"


def test_requests_of_a_sync_have_one_figure() -> None:
    kept = read_results(json.loads(KEPT.read_text()))
    figure = f"{kept[COST.format('API')]:.0f} ms"
    cell, country = ({line.what: line.how for line in each(kept)} for each in (cell_lines, lines))
    assert f"API {figure.removesuffix(' ms')} + " in cell["processor time of a sync with its requests"]
    assert figure in country["API processes"]


def test_what_a_cell_carries_follows_the_kept_figures() -> None:
    names = [COST.format(part) for part in PARTS]
    names += [each.format(sections) for each in (ROWS, REFUSED) for sections in (USUAL, LARGE)]
    names.append("ledger after ten change syncs, bytes a score")
    numbers = {line.what: line.number for line in cell_lines(dict.fromkeys(names, 10.0))}
    assert numbers["processor time of a sync with its requests"] == "40 ms"
    assert numbers["a cell on one machine"] == "30 syncs/s"
    assert numbers["districts that it carries"] == "3,900"
    assert numbers["districts that it carries then"] == "all 13,000"
