"""Measure how cost grows, keep the figures, and draw them: `make bench-plots`.

`--draw` draws what is kept and measures nothing.
"""

import asyncio
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import leather

from bench.environment import servers
from bench.growth import cost
from bench.pages import GROWTH, write_pages
from bench.workers import rates
from gradesync.cli.output import out

SIZES = ((30, 30), (50, 100), (100, 200), (200, 500), (500, 1000))
"""List assignments and students: 900 scores to 500,000."""
PROCESSES = (1, 2, 4)
COLORS = ("#1b6ca8", "#c2571a")

Point = tuple[float, float]


def measured() -> dict[str, Any]:
    """Measure all of it: some minutes."""
    load = os.getloadavg()[0]
    costs = []
    for assignments, students in SIZES:
        with out.status(f"{assignments} x {students}"), servers() as settings:
            found = asyncio.run(cost(settings, assignments, students))
            costs.append({"scores": found.scores, **asdict(found)})
    with out.status("workers"), servers() as settings:
        (throughput,) = asyncio.run(rates(settings, PROCESSES, 1))
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": [round(load, 2), round(os.getloadavg()[0], 2)],
        "sections": costs,
        "workers": [{"processes": number, "syncs_per_second": rate} for number, rate in throughput.items()],
    }


def drawings(kept: Mapping[str, Any]) -> dict[str, str]:
    """Return file name -> SVG, the same for the same figures."""
    sections, processes = kept["sections"], kept["workers"]
    return {
        "time.svg": _drawn(
            "Processor time of the worker for one sync, seconds",
            "scores in the section",
            {
                "first sync": [(one["scores"], one["first_cpu"]) for one in sections],
                "one in which nothing changed": [(one["scores"], one["again_cpu"]) for one in sections],
            },
        ),
        "memory.svg": _drawn(
            "Peak memory of the worker, MiB",
            "scores in the section",
            {"peak": [(one["scores"], one["mebibytes"]) for one in sections]},
        ),
        "workers.svg": _drawn(
            "Syncs per second, one second of upstream latency",
            "worker processes",
            {"measured": [(one["processes"], one["syncs_per_second"]) for one in processes]},
        ),
    }


def _drawn(title: str, below: str, lines: Mapping[str, Sequence[Point]]) -> str:
    chart = leather.Chart(title)
    chart.add_x_axis(name=below)
    most = (
        max(x for line in lines.values() for x, _ in line),
        max(y for line in lines.values() for _, y in line),
    )
    chart.add_x_scale(0, most[0])
    chart.add_y_scale(0, most[1])
    for color, (name, points) in zip(COLORS, lines.items(), strict=False):
        chart.add_line(points, name=name, stroke_color=color)
    drawn: str = chart.to_svg(width=720, height=400)
    return drawn


def main(arguments: Sequence[str]) -> None:
    GROWTH.parent.mkdir(exist_ok=True)
    if "--draw" not in arguments:
        GROWTH.write_text(json.dumps(measured(), indent=1) + "\n")
    for name, drawing in drawings(json.loads(GROWTH.read_text())).items():
        (GROWTH.parent / name).write_text(drawing)
    write_pages()


if __name__ == "__main__":
    main(sys.argv[1:])
