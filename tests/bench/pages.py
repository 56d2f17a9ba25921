"""Write the tables of docs/performance.md and docs/scale.md from the kept figures."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from bench import scale
from bench.bounds import (
    DECODING,
    FROM_MEMORY,
    HIGHEST,
    LEAST,
    LOWEST,
    OF_REPLAY,
    SCRIPTS,
    STATEMENTS,
    SYNC,
)
from bench.measure import Measure
from bench.peers import DLT, FIRST, GRADESYNC, LATENCIES, SCRIPT
from bench.shares import COSTLIEST, COSTLY, GROUPS, IN, OTHERS, OURS, OWN, PARTS, REST
from bench.whole_sync import BARE, BESIDE, CHANGED, CPU_RATIO, IDLE, RATIO, WORK

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
            "floor": _floor(kept),
            "processor": _processor(kept),
            "own": _own(kept),
            "groups": _groups(kept),
            "costliest": _costliest(kept),
            "bounds": _bounds(kept),
            "spread": _spread(kept),
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
    rows = ((line.what, line.how, line.number) for line in scale.lines(_results(kept)))
    return _table(("", "how it comes about", ""), rows)


def cells_table(kept: Mapping[str, Any]) -> str:
    """Return the table of what a cell carries, under the command that measured it."""
    rows = ((line.what, line.how, line.number) for line in scale.cell_lines(_results(kept)))
    return f"`make bench ARGS=cells`, {_noted(kept['parts']['cells'])}" + _table(
        ("", "how it comes about", ""), rows
    )


def _in_short(kept: Mapping[str, Any]) -> str:
    """Return the table of the most important figures."""
    of, machine = _results(kept), kept["parts"]["syncs"]
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
    of, part = _results(kept), kept["parts"]["peers"]
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
    return noted + _table(("÷ gradesync", "time", "calls", "bytes", "processor"), rows)


def _list_measures(part: Mapping[str, Any]) -> list[Measure]:
    return [Measure(raw["what"], raw["target"], raw["result"], raw["least"]) for raw in part["measures"]]


def _results(kept: Mapping[str, Any]) -> dict[str, float]:
    """Return every kept figure by its name."""
    return {one.what: float(one.result) for part in kept["parts"].values() for one in _list_measures(part)}


def _missed(kept: Mapping[str, Any]) -> str:
    """Return the table of all targets that the kept figures miss."""
    missed = [
        (measure.what, measure.bound, measure.shown, f"`{name}`", part["at"][:10])
        for name, part in kept["parts"].items()
        for measure in _list_measures(part)
        if measure.met is False
    ]
    return _table(("measured", "target", "result", "part", "on"), missed)


def _measures(kept: Mapping[str, Any]) -> str:
    """Return a table for each part, under the command that printed it and the machine's load."""
    found = []
    for name, part in kept["parts"].items():
        rows = []
        for measure in _list_measures(part):
            met = {True: "yes", False: "no", None: ""}[measure.met]
            rows.append((measure.what, measure.bound, measure.shown, met))
        noted = f"`make bench ARGS={name}`, {_noted(part)}"
        found.append(noted + _table(("measured", "target", "result", "met"), rows))
    return "\n".join(found)


def _floor(kept: Mapping[str, Any]) -> str:
    """Return what the ratio's target leaves short syncs beside their calls, and what they take."""
    of = {one.what: one for part in kept["parts"].values() for one in _list_measures(part)}
    rows = []
    for name in (IDLE, CHANGED):
        bare, own, work = (of[f"{name}: {what}"].result for what in (BARE, BESIDE, WORK))
        target = of[f"{name}: {RATIO}"].target
        assert target is not None
        rows.append((name, *(f"{ms:.1f}" for ms in (bare, bare * (target - 1), own, work))))
    return _table(("", "bare replay, ms", "its target leaves", "own time", "own processor time"), rows)


def _processor(kept: Mapping[str, Any]) -> str:
    """Return the processor time of each kind of sync, in bare replays, and our own code's part of it."""
    of = {one.what: one for part in kept["parts"].values() for one in _list_measures(part)}
    rows = []
    for name in (IDLE, CHANGED, FIRST):
        shares = {group: of[f"{name}: {IN.format(group)}"].result for group in (*GROUPS, OTHERS)}
        whole = of[f"{name}: {CPU_RATIO}"]
        assert whole.target is not None
        own = whole.result * shares[OURS] / sum(shares.values())
        rest = whole.result - own
        figures = (whole.target, whole.result, rest, own, max(0.0, whole.target - rest))
        rows.append((name, *(f"{each:.2f}" for each in figures)))
    heads = ("", "target", "sync", "without our own code", "our own code", "the target leaves it")
    return _table(heads, rows)


def _own(kept: Mapping[str, Any]) -> str:
    """Return the processor time of our own code by part, for each kind of sync, in bare replays."""
    return _table(("", *(f"`{part}`" for part in PARTS), REST), _in_replays(kept, OWN, (*PARTS, REST)))


def _groups(kept: Mapping[str, Any]) -> str:
    """Return the processor time of what is not our own code, for each kind of sync, in bare replays."""
    groups = [group for group in (*GROUPS, OTHERS) if group != OURS]
    return _table(("", *groups), _in_replays(kept, IN, groups))


def _in_replays(kept: Mapping[str, Any], figure: str, parts: Sequence[str]) -> list[tuple[str, ...]]:
    of = _results(kept)
    rows = []
    for name in (IDLE, CHANGED, FIRST):
        whole = sum(of[f"{name}: {IN.format(group)}"] for group in (*GROUPS, OTHERS))
        replay = whole / of[f"{name}: {CPU_RATIO}"]
        rows.append((name, *(f"{of[f'{name}: {figure.format(part)}'] / replay:.2f}" for part in parts)))
    return rows


def _costliest(kept: Mapping[str, Any]) -> str:
    """Return what each kind of sync would take if its costliest functions took nothing, in bare replays."""
    of = {one.what: one for part in kept["parts"].values() for one in _list_measures(part)}
    rows = []
    for name in (IDLE, CHANGED):
        whole = of[f"{name}: {CPU_RATIO}"]
        assert whole.target is not None
        left = [whole.result * (1 - of[f"{name}: {COSTLIEST.format(n)}"].result / 100) for n in COSTLY]
        rows.append((name, *(f"{each:.2f}" for each in (whole.target, whole.result, *left))))
    return _table(("", "target", "sync", *(f"without our {n} costliest functions" for n in COSTLY)), rows)


def _bounds(kept: Mapping[str, Any]) -> str:
    """Return what a short sync takes at least, and with its calls for nothing, in bare replays."""
    parts = (STATEMENTS, SCRIPTS, DECODING, LEAST, FROM_MEMORY)
    return _table(("", "target", "its calls", *parts), _figures(kept, parts, "1.00"))


def _spread(kept: Mapping[str, Any]) -> str:
    """Return how far the ratios of single syncs of one run are apart."""
    parts = (LOWEST, SYNC, HIGHEST)
    return _table(("", "target", *parts), _figures(kept, parts))


def _figures(kept: Mapping[str, Any], parts: Sequence[str], *first: str) -> list[tuple[str, ...]]:
    of = {one.what: one for part in kept["parts"].values() for one in _list_measures(part)}
    rows = []
    for name in (IDLE, CHANGED):
        found = (of[f"{name}: {OF_REPLAY.format(part)}"].result for part in parts)
        rows.append((name, f"{of[f'{name}: {CPU_RATIO}'].target:.2f}", *first, *(f"{x:.2f}" for x in found)))
    return rows


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
    return _noted(kept) + _table(heads, rows)


def _workers(kept: Mapping[str, Any]) -> str:
    alone = kept["workers"][0]["syncs_per_second"]
    rows = (
        (f"{one['processes']}", f"{one['syncs_per_second']:.1f}", f"{one['syncs_per_second'] / alone:.2f}")
        for one in kept["workers"]
    )
    return _table(("worker processes", "syncs/s", "÷ one"), rows)


def _noted(kept: Mapping[str, Any]) -> str:
    before, after = kept["load"]
    day = kept["at"][:10]
    return (
        f"{day}, {kept['cores']} cores, Python {kept['python']}, load {before} before and {after} after:\n\n"
    )


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = tuple(heads)
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
