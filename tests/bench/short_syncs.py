"""Lay out what short syncs take of the processor, and what would have to go for their targets."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from bench.bounds import (
    ALL,
    CALLS,
    DECODING,
    HIGHEST,
    LOWEST,
    OF_REPLAY,
    SAVED,
    SCRIPTS,
    STATEMENTS,
    SYNC,
)
from bench.kept import lay_out, read_measures, read_results
from bench.measure import Measure
from bench.shares import (
    COSTLIEST,
    COSTLY,
    DATABASE,
    GROUPS,
    IN,
    LIBRARIES_AROUND,
    OTHERS,
    OURS,
    OWN,
    PARTS,
    REST,
)
from bench.whole_sync import BARE, BESIDE, CHANGED, CPU_RATIO, FIRST, IDLE, RATIO, WORK

READERS = ("core", "schoology", "powerschool")
"""Hold the parts of our own code that read both gradebooks and judge them."""


def show_floor(kept: Mapping[str, Any]) -> str:
    """Return what the ratio's target leaves short syncs beside their calls, and what they take."""
    of = read_measures(kept)
    rows = []
    for name in (IDLE, CHANGED):
        bare, own, work = (of[f"{name}: {what}"].result for what in (BARE, BESIDE, WORK))
        target = of[f"{name}: {RATIO}"].target
        assert target is not None
        rows.append((name, *(f"{ms:.1f}" for ms in (bare, bare * (target - 1), own, work))))
    return lay_out(("", "bare replay, ms", "its target leaves", "own time", "own processor time"), rows)


def show_processor(kept: Mapping[str, Any]) -> str:
    """Return the processor time of each kind of sync, in bare replays, and our own code's part of it."""
    of = read_measures(kept)
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
    return lay_out(heads, rows)


def show_own(kept: Mapping[str, Any]) -> str:
    """Return the processor time of our own code by part, for each kind of sync, in bare replays."""
    return lay_out(("", *(f"`{part}`" for part in PARTS), REST), _in_replays(kept, OWN, (*PARTS, REST)))


def show_groups(kept: Mapping[str, Any]) -> str:
    """Return the processor time of what is not our own code, for each kind of sync, in bare replays."""
    groups = [group for group in (*GROUPS, OTHERS) if group != OURS]
    return lay_out(("", *groups), _in_replays(kept, IN, groups))


def _in_replays(kept: Mapping[str, Any], figure: str, parts: Sequence[str]) -> list[tuple[str, ...]]:
    of = read_results(kept)
    rows = []
    for name in (IDLE, CHANGED, FIRST):
        whole = sum(of[f"{name}: {IN.format(group)}"] for group in (*GROUPS, OTHERS))
        replay = whole / of[f"{name}: {CPU_RATIO}"]
        rows.append((name, *(f"{of[f'{name}: {figure.format(part)}'] / replay:.2f}" for part in parts)))
    return rows


def show_costliest(kept: Mapping[str, Any]) -> str:
    """Return what each kind of sync would take if its costliest functions took nothing, in bare replays."""
    of = read_measures(kept)
    rows = []
    for name in (IDLE, CHANGED):
        whole = of[f"{name}: {CPU_RATIO}"]
        assert whole.target is not None
        left = [whole.result * (1 - of[f"{name}: {COSTLIEST.format(n)}"].result / 100) for n in COSTLY]
        rows.append((name, *(f"{each:.2f}" for each in (whole.target, whole.result, *left))))
    return lay_out(("", "target", "sync", *(f"without our {n} costliest functions" for n in COSTLY)), rows)


def show_bounds(kept: Mapping[str, Any]) -> str:
    """Return what a short sync takes by the bare libraries, in bare replays."""
    parts = (CALLS, STATEMENTS, SCRIPTS, DECODING, ALL)
    return lay_out(("", "target", *parts), _figures(kept, parts))


def show_spread(kept: Mapping[str, Any]) -> str:
    """Return how far the ratios of single syncs of one run are apart."""
    parts = (LOWEST, SYNC, HIGHEST)
    return lay_out(("", "target", *parts), _figures(kept, parts))


def show_rest(kept: Mapping[str, Any]) -> str:
    """Return what the target leaves our own code where all else takes what it does by the bare libraries."""
    of = read_measures(kept)
    rows = []
    for name in (IDLE, CHANGED):
        whole = of[f"{name}: {CPU_RATIO}"]
        least, decoding = (of[f"{name}: {OF_REPLAY.format(what)}"].result for what in (ALL, DECODING))
        own = _share(of, name, IN.format(OURS)) * whole.result - decoding
        judging = _share_step(of, name, READING) * whole.result
        assert whole.target is not None
        left = whole.target - least
        figures = (whole.target, least, left, own, own - judging, left - own + judging, judging)
        rows.append((name, *(f"{each:.2f}" for each in figures)))
    own_code = ("our own code, without that JSON", "of it beside what reads and judges")
    reading = ("the target leaves to read and judge", "that takes")
    return lay_out(("", "target", ALL, "the target leaves", *own_code, *reading), rows)


def show_steps(kept: Mapping[str, Any]) -> str:
    """Return the steps that could go: what each saves, and what is left after it, in replays."""
    of = read_measures(kept)
    left = {name: of[f"{name}: {CPU_RATIO}"].result for name in (IDLE, CHANGED)}
    rows: list[Sequence[str]] = [("a sync", "", f"{left[IDLE]:.2f}", "", f"{left[CHANGED]:.2f}")]
    for step in STEPS:
        row = [step]
        for name in (IDLE, CHANGED):
            saved = _share_step(of, name, step) * of[f"{name}: {CPU_RATIO}"].result
            left[name] -= saved
            row += [f"{saved:.2f}", f"{left[name]:.2f}"]
        rows.append(row)
    targets = {name: of[f"{name}: {CPU_RATIO}"].target for name in (IDLE, CHANGED)}
    rows.append(("the target", "", f"{targets[IDLE]:.2f}", "", f"{targets[CHANGED]:.2f}"))
    return lay_out(("", *(f"{name}: {what}" for name in (IDLE, CHANGED) for what in ("saves", "left"))), rows)


def show_together(kept: Mapping[str, Any]) -> str:
    """Return what is left where some steps are gone, for all pairs and triples, in replays."""
    of = read_measures(kept)
    rows = []
    for steps in (*combinations(STEPS, 2), *combinations(STEPS, 3)):
        row = [", ".join(step[0] for step in steps)]
        for name in (IDLE, CHANGED):
            left = 1 - sum(_share_step(of, name, step) for step in steps)
            row.append(f"{left * of[f'{name}: {CPU_RATIO}'].result:.2f}")
        rows.append(row)
    targets = (f"{of[f'{name}: {CPU_RATIO}'].target:.2f}" for name in (IDLE, CHANGED))
    return lay_out(("without the steps", IDLE, CHANGED), [*rows, ("the target", *targets)])


TRANSPORT, READING = "1. calls that take nothing", "2. nothing read and judged"
DRIVER, AROUND = "3. statements on asyncpg alone", "4. nothing signed, paced, counted or logged"
STEPS = (TRANSPORT, READING, DRIVER, AROUND)


def _share_step(of: Mapping[str, Measure], name: str, step: str) -> float:
    """Return about the most that a step would save, of a sync."""
    if step == TRANSPORT:
        return of[f"{name}: {SAVED}"].result / 100
    if step == READING:
        return sum(_share(of, name, OWN.format(part)) for part in READERS)
    if step == AROUND:
        return _share(of, name, IN.format(LIBRARIES_AROUND))
    statements, sync = (of[f"{name}: {OF_REPLAY.format(what)}"].result for what in (STATEMENTS, SYNC))
    return _share(of, name, IN.format(DATABASE)) - statements / sync


def _share(of: Mapping[str, Measure], name: str, figure: str) -> float:
    """Return the share that a figure of `shares` has of a sync."""
    whole = sum(of[f"{name}: {IN.format(group)}"].result for group in (*GROUPS, OTHERS))
    return of[f"{name}: {figure}"].result / whole


def _figures(kept: Mapping[str, Any], parts: Sequence[str]) -> list[tuple[str, ...]]:
    of = read_measures(kept)
    rows = []
    for name in (IDLE, CHANGED):
        found = (of[f"{name}: {OF_REPLAY.format(part)}"].result for part in parts)
        rows.append((name, f"{of[f'{name}: {CPU_RATIO}'].target:.2f}", *(f"{x:.2f}" for x in found)))
    return rows
