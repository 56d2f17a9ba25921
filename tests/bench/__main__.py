"""Measure gradesync and compare it with its targets: `make bench`.

`python -m bench [planning] [ledger] [syncs] …` runs some parts, each on servers of its own.
Prints a table a part, or with `--json` one JSON object; `--keep` writes each part to docs/measured.json in
the place of its earlier figures, and the pages' tables anew. `--quick` takes fewer rounds and smaller
sizes. `profile` and `explain` show where the time of a sync, and of a claim, goes; `scale` prints the
arithmetic of docs/scale.md.
"""

import asyncio
import json
import os
import platform
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from bench.api import api
from bench.bounds import bounds
from bench.cells import cells
from bench.claims import claims, explained
from bench.cold_start import starts
from bench.environment import servers
from bench.history_size import history
from bench.keys import keys
from bench.ledger_size import ledger
from bench.measure import Measure
from bench.memory import floor, memory
from bench.outages import outages
from bench.overview import at_a_glance
from bench.pages import KEPT, cells_table, scale_table, write_pages, write_part
from bench.peers import peers
from bench.picture import picture
from bench.planning import planning
from bench.profile import profiled
from bench.rehearsal import rehearsal
from bench.roster_sync import first_roster_syncs
from bench.shares import shares
from bench.whole_sync import whole_syncs
from bench.workers import fairness, saturated, throughput
from gradesync.cli.output import make_table, out

Part = Callable[..., Coroutine[None, None, list[Measure]]]

PARTS: dict[str, Part] = {
    "planning": planning,
    "ledger": ledger,
    "history": history,
    "syncs": whole_syncs,
    "roster": first_roster_syncs,
    "shares": shares,
    "bounds": bounds,
    "memory": memory,
    "floor": floor,
    "api": api,
    "picture": picture,
    "workers": saturated,
    "throughput": throughput,
    "fairness": fairness,
    "claims": claims,
    "rehearsal": rehearsal,
    "overview": at_a_glance,
    "redis": keys,
    "cells": cells,
    "outages": outages,
    "starts": starts,
    "peers": peers,
}


def measured(names: Sequence[str], *, quick: bool, shown: bool, keep: bool) -> dict[str, Any]:
    """Measure some parts, and return them as JSON; show and keep each as it ends.

    So a later part that fails takes no earlier one along.
    """
    found: dict[str, Any] = {}
    for name in names:
        began = datetime.now(UTC), os.getloadavg()[0]
        with out.status(name), servers() as settings:
            part = asyncio.run(PARTS[name](settings, quick=quick))
        found[name] = render(part, began)
        if shown:
            show(part)
        if keep:
            write_part(name, found[name], list(PARTS))
    return {"parts": found}


def show(found: Sequence[Measure]) -> None:
    lines = make_table(None, "Measured", "Target", "Result", "")
    for measure in found:
        mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: ""}[measure.met]
        lines.add_row(measure.what, measure.bound, measure.shown, mark)
    out.print(lines)


def render(found: Sequence[Measure], began: tuple[datetime, float]) -> dict[str, Any]:
    """Return a part's measures and its machine as JSON; `load` is before and after."""
    at, load = began
    return {
        "at": at.isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": [round(load, 2), round(os.getloadavg()[0], 2)],
        "measures": [asdict(measure) | {"met": measure.met} for measure in found],
    }


def profile() -> str:
    with servers() as settings:
        return asyncio.run(profiled(settings))


def explain() -> str:
    with servers() as settings:
        return "\n".join(asyncio.run(explained(settings)))


def scale() -> str:
    kept = json.loads(KEPT.read_text())
    return f"{cells_table(kept)}\n{scale_table(kept)}"


LOOKS: dict[str, Callable[[], str]] = {"profile": profile, "explain": explain, "scale": scale}


def main(arguments: Sequence[str]) -> int:
    names = [one for one in arguments if not one.startswith("--")]
    if unknown := set(names) - {*PARTS, *LOOKS}:
        out.print(f"There is no {', '.join(sorted(unknown))}; there are {', '.join([*PARTS, *LOOKS])}.")
        return 2
    for name in names:
        if name in LOOKS:
            print(LOOKS[name]())  # noqa: T201 - as wide as it is
    chosen = [name for name in PARTS if name in names] if names else list(PARTS)
    if not chosen:
        return 0
    as_json, keep = "--json" in arguments, "--keep" in arguments
    result = measured(chosen, quick="--quick" in arguments, shown=not as_json, keep=keep)
    if keep:
        write_pages()
    if as_json:
        out.print_json(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
