"""Run gradesync on existing engines, and disturb them: `make drill`.

`python -m engines [pooler] [failover] [sentinel]` runs some parts, for minutes. Prints one table, and every
broken promise as a sentence; ends with 1 where there is one. A part without its programs is skipped.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from engines import failover, pooler, sentinel
from engines.figures import HEADINGS, Figures
from engines.programs import new_folder
from gradesync.cli.output import make_table, out


@dataclass(frozen=True)
class Part:
    """Name what a part needs, and run it."""

    lacks: Callable[[], str]
    run: Callable[[Path], AsyncIterator[Figures]]


PARTS: Mapping[str, Part] = {
    "pooler": Part(pooler.lacks, pooler.drill),
    "failover": Part(failover.lacks, failover.drill),
    "sentinel": Part(sentinel.lacks, sentinel.drill),
}


async def main(names: list[str]) -> int:
    """Run the parts; return the exit status."""
    rows: list[Figures] = []
    lacking: list[str] = []
    for name in names or PARTS:
        if why := PARTS[name].lacks():
            lacking.append(f"{name} was not run: {why}")
            continue
        with new_folder() as folder:
            async for figures in PARTS[name].run(folder):
                out.print(" | ".join(figures.row), soft_wrap=True)
                rows.append(figures)
    table = make_table(None, *HEADINGS)
    for figures in rows:
        table.add_row(*figures.row)
    out.print(table)
    for line in [*lacking, *(line for figures in rows for line in figures.broken)]:
        out.print(line)
    return int(any(figures.broken for figures in rows) or not rows)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    sys.exit(asyncio.run(main(sys.argv[1:])))
