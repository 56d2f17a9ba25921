"""Read the kept figures, and lay out tables of Markdown."""

from collections.abc import Iterable, Mapping
from typing import Any

from bench.measure import Measure


def list_measures(part: Mapping[str, Any]) -> list[Measure]:
    """Return the figures of a part."""
    return [Measure(raw["what"], raw["target"], raw["result"], raw["least"]) for raw in part["measures"]]


def read_measures(kept: Mapping[str, Any]) -> dict[str, Measure]:
    """Return every kept figure by its name."""
    return {one.what: one for part in kept["parts"].values() for one in list_measures(part)}


def read_results(kept: Mapping[str, Any]) -> dict[str, float]:
    """Return every kept figure by its name."""
    return {what: float(one.result) for what, one in read_measures(kept).items()}


def lay_out(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table."""
    heads = tuple(heads)
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
