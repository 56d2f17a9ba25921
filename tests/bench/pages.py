"""Write the tables of docs/performance.md and docs/scale.md from the kept figures."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from bench import scale
from bench.kept import lay_out, list_measures, read_results
from bench.peers import DLT, FIRST, GRADESYNC, LATENCIES, SCRIPT
from bench.short_syncs import (
    show_bounds,
    show_costliest,
    show_floor,
    show_groups,
    show_own,
    show_processor,
    show_rest,
    show_spread,
    show_steps,
    show_together,
)
from bench.whole_sync import CHANGED

THROUGHPUT = "8 of 900 scores changed, no latency"
CPU = "processor time of the worker for a sync, ms"
MEMORY = "500 assignments x 1,000 students: peak memory of the worker, MiB"
START = "10,000 queued syncs of a district, then one of another: it starts after, s"
DOCS = Path(__file__).parents[2] / "docs"
KEPT = DOCS / "measured.json"
"""Hold the figures of the last `make bench ARGS=--keep`."""
GROWTH = DOCS / "plots" / "growth.json"
"""Hold the figures of the last `make bench-plots`."""


def tables() -> dict[Path, dict[str, str]]:
    """Return page -> name of a table in it -> the table, from the kept figures."""
    kept, growth = json.loads(KEPT.read_text()), json.loads(GROWTH.read_text())
    return {
        DOCS / "performance.md": {
            "measured": _measures(kept),
            "missed": _missed(kept),
            "floor": show_floor(kept),
            "processor": show_processor(kept),
            "own": show_own(kept),
            "groups": show_groups(kept),
            "costliest": show_costliest(kept),
            "bounds": show_bounds(kept),
            "spread": show_spread(kept),
            "steps": show_steps(kept),
            "rest": show_rest(kept),
            "together": show_together(kept),
            "sections": _sections(growth),
            "workers": _workers(growth),
        },
        DOCS / "scale.md": {"cells": cells_table(kept), "scale": scale_table(kept)},
        DOCS.parent / "README.md": {"speed": _in_short(kept), "peers": _peers(kept)},
    }


def filled(page: str, found: Mapping[str, str]) -> str:
    """Return a page with its tables, between `<!-- name -->` and `<!-- /name -->`."""
    for name, table in found.items():
        section = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        page = section.sub(lambda match, table=table: f"{match[1]}{table}{match[2]}", page)  # type: ignore[misc]
    return page


def write_pages() -> None:
    for file, found in tables().items():
        file.write_text(filled(file.read_text(), found))


def write_part(name: str, part: Mapping[str, Any], names: Sequence[str]) -> None:
    """Keep a part's figures in the place of its earlier ones, in the order of the names."""
    parts = json.loads(KEPT.read_text())["parts"] | {name: part}
    ordered = {one: parts[one] for one in names if one in parts}
    KEPT.write_text(json.dumps({"parts": ordered}, indent=1, ensure_ascii=False) + "\n")


def scale_table(kept: Mapping[str, Any]) -> str:
    """Return the table of the arithmetic on the measured figures."""
    rows = ((line.what, line.how, line.number) for line in scale.lines(read_results(kept)))
    return lay_out(("", "how it comes about", ""), rows)


def cells_table(kept: Mapping[str, Any]) -> str:
    """Return the table of what a cell carries, under the command that measured it."""
    rows = ((line.what, line.how, line.number) for line in scale.cell_lines(read_results(kept)))
    return f"`make bench ARGS=cells`, {_noted(kept['parts']['cells'])}" + lay_out(
        ("", "how it comes about", ""), rows
    )


def _in_short(kept: Mapping[str, Any]) -> str:
    """Return the table of the most important figures."""
    of, machine = read_results(kept), kept["parts"]["syncs"]
    own, cpu = of["8 of 900 scores changed: own time, ms"], of[f"{THROUGHPUT}: {CPU}"]
    rate, start = of[f"{THROUGHPUT}: syncs/s of one worker"], of[START]
    summary = (
        "A sync in which 8 of 900 scores changed makes five calls to the two systems, and takes "
        f"{own:.0f} ms beside the time of these calls, {cpu:.0f} ms of a processor. One worker runs "
        f"{rate:.0f} of them a second where the systems answer at once. A section of 500 assignments and "
        f"1,000 students takes a worker {of[MEMORY]:.0f} MiB. Behind 10,000 queued syncs of one district, "
        f"another district's starts within {start:.1f} seconds. "
        f"({machine['cores']} cores, load {machine['load'][0]}, {machine['at'][:10]}.)"
    )
    return fill(summary, 120) + "\n"


def _peers(kept: Mapping[str, Any]) -> str:
    """Return the table of what a script and dlt take for the same, as multiples of gradesync's."""
    of, part = read_results(kept), kept["parts"]["peers"]
    rows = []
    for who in (SCRIPT, DLT):
        for what in (
            f"{kind} at {latency * 1000:.0f} ms" for kind in (FIRST, CHANGED) for latency in LATENCIES
        ):
            times = (
                of[f"{what}: {who} {unit}"] / of[f"{what}: {GRADESYNC} {unit}"]
                for unit in ("s", "calls", "bytes", "processor ms")
            )
            rows.append((f"{who.rstrip(',')}: {what}", *(f"{each:.2g}" for each in times)))
    noted = f"`make bench ARGS=peers`, {_noted(part)}"
    return noted + lay_out(("÷ gradesync", "time", "calls", "bytes", "processor"), rows)


def _missed(kept: Mapping[str, Any]) -> str:
    """Return the table of all targets that the kept figures miss."""
    missed = [
        (measure.what, measure.bound, measure.shown, f"`{name}`", part["at"][:10])
        for name, part in kept["parts"].items()
        for measure in list_measures(part)
        if measure.met is False
    ]
    return lay_out(("measured", "target", "result", "part", "on"), missed)


def _measures(kept: Mapping[str, Any]) -> str:
    """Return a table for each part, under the command that printed it and the machine's load."""
    found = []
    for name, part in kept["parts"].items():
        rows = []
        for measure in list_measures(part):
            met = {True: "yes", False: "no", None: ""}[measure.met]
            rows.append((measure.what, measure.bound, measure.shown, met))
        noted = f"`make bench ARGS={name}`, {_noted(part)}"
        found.append(noted + lay_out(("measured", "target", "result", "met"), rows))
    return "\n".join(found)


def _sections(kept: Mapping[str, Any]) -> str:
    rows = (
        (
            f"{one['scores']:,}",
            f"{one['assignments']} x {one['students']}",
            f"{one['first_seconds']:.1f}",
            f"{one['first_cpu']:.2f}",
            f"{one['again_seconds']:.1f}",
            f"{one['again_cpu']:.2f}",
            f"{one['mebibytes']:.0f}",
        )
        for one in kept["sections"]
    )
    heads = (
        "scores",
        "assignments x students",
        "first sync, s",
        "processor, s",
        "again, s",
        "processor, s",
        "MiB",
    )
    return _noted(kept) + lay_out(heads, rows)


def _workers(kept: Mapping[str, Any]) -> str:
    alone = kept["workers"][0]["syncs_per_second"]
    rows = (
        (f"{one['processes']}", f"{one['syncs_per_second']:.1f}", f"{one['syncs_per_second'] / alone:.2f}")
        for one in kept["workers"]
    )
    return lay_out(("worker processes", "syncs/s", "÷ one"), rows)


def _noted(kept: Mapping[str, Any]) -> str:
    before, after = kept["load"]
    day = kept["at"][:10]
    return (
        f"{day}, {kept['cores']} cores, Python {kept['python']}, load {before} before and {after} after:\n\n"
    )
