"""Define the command `rehearse`: forecast a district's term end from its stored syncs."""

from dataclasses import asdict, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from gradesync.cli.districts import AsJson, DistrictId
from gradesync.cli.output import CommandError, err, make_table, out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradesync.core.district import District
    from gradesync.core.rehearsal import Rehearsal, SectionLoad
    from gradesync.rehearsal.play import Scene
    from gradesync.runtime import Runtime
    from gradesync.settings import Settings

FALLBACK = "Give --latency, in seconds."

Cores = Annotated[
    int | None, typer.Option(min=1, help="Processors of a machine that all workers share with the servers.")
]
Beside = Annotated[
    float | None,
    typer.Option(min=0, max=60, help="Processor seconds of that machine that servers take for a call."),
]


def rehearse(
    district_id: DistrictId,
    *,
    workers: Annotated[int, typer.Option(min=1, max=1000, help="Worker processes.")] = 1,
    over: Annotated[float, typer.Option(min=0, max=1440, help="Minutes over which the requests come.")] = 0,
    latency: Annotated[
        float | None,
        typer.Option(min=0.001, max=60, help="Seconds of a call, instead of what the log shows."),
    ] = None,
    processor: Annotated[
        float | None,
        typer.Option(
            min=0, max=60, help="A worker's processor seconds for a call, instead of what workers measured."
        ),
    ] = None,
    cores: Cores = None,
    beside: Beside = None,
    as_json: AsJson = False,
) -> None:
    """Play a sync of every section on a virtual clock: when is the last one in, and what keeps it?"""
    from gradesync.cli import operator

    _check_machine(cores, beside)
    wanted = partial(
        run,
        district_id=district_id,
        workers=workers,
        over=over * 60,
        latency=latency,
        processor=processor,
        cores=cores or 0,
        beside=beside or 0,
    )
    with err.status(f"Playing the syncs of {district_id}"):  # of many single scores, for minutes
        played = operator.run(wanted)
    if as_json:
        out.print_json(data=_render(played))
    else:
        _show(played)


def _check_machine(cores: int | None, beside: float | None) -> None:
    """Raise `CommandError` where a shared machine is half described: one figure means nothing alone."""
    if cores is None and beside is not None:
        raise CommandError(
            "--beside needs --cores.", "Give the number of processors that workers and servers share."
        )
    if cores is not None and beside is None:
        raise CommandError(
            "--cores needs --beside.", "Give the processor seconds that servers take for a call; 0 for none."
        )


async def run(
    runtime: "Runtime",
    *,
    district_id: str,
    workers: int,
    over: float = 0,
    latency: float | None = None,
    processor: float | None = None,
    cores: int = 0,
    beside: float = 0,
) -> "Rehearsal":
    """Play the load that the stored syncs of a district show. Raises `CommandError` without any."""
    from gradesync.cli.operator import open_district
    from gradesync.core.rehearsal import Resources
    from gradesync.db import section_loads
    from gradesync.rehearsal.play import rehearse as play
    from gradesync.systems import describe_writing
    from gradesync.worker.usage import read_usage

    settings, usage = runtime.settings, await read_usage(runtime.redis)
    processor = (usage.processor or 0.0) if processor is None else processor
    async with open_district(runtime, district_id) as (db, district):
        load = await section_loads.list_loads(db)
        writing = describe_writing(district.sis, settings.score_batch)
        left_out = await section_loads.count_without_load(db)
        measured = await section_loads.measure_latency(db, writing, processor=processor + beside)
    scene = _set_scene(settings, district, load, over)
    resources = Resources(
        requests_per_window=district.schoology.requests_per_window,
        workers=workers,
        slots=settings.max_syncs,
        per_district=settings.per_district,
        latency=latency or _require(measured.seconds),
        processor=processor,
        looking=usage.looking or 0.0,
        claiming=usage.claiming or 0.0,
        cores=cores,
        beside=beside,
    )
    return replace(await play(scene, resources, runtime.redis), left_out=left_out)


def _require(latency: float | None) -> float:
    if latency is None:
        raise CommandError("No later sync ran alone, which shows how long a call takes.", FALLBACK)
    return latency


def _set_scene(
    settings: "Settings", district: "District", load: "Sequence[SectionLoad]", over: float
) -> "Scene":
    """Return what is played. Raises `CommandError` without a load."""
    from gradesync.rehearsal.play import Scene
    from gradesync.systems import describe_writing

    if not load:
        missing = f"The log of {district.id} has no sync that was carried out."
        raise CommandError(missing, "Sync some sections first.")
    return Scene(
        district,
        load,
        writing=describe_writing(district.sis, settings.score_batch),
        settle_seconds=settings.settle_seconds,
        slice_seconds=settings.slice_seconds,
        call_timeout=settings.call_timeout_seconds,
        over=over,
    )


def _show(played: "Rehearsal") -> None:
    now, resources = played.now, played.resources
    out.print(
        f"{played.sections:,} sections, all requested; {resources.latency:.2f} s a call, "
        f"{resources.workers} workers. The last one is in after [b]{_text(now.finish)}[/].",
        soft_wrap=True,
    )
    if played.left_out:
        out.print(
            f"{played.left_out:,} known sections are left out: the log has no sync of them to go by.",
            soft_wrap=True,
        )
    if resources.processor:
        out.print(
            f"A call takes a worker {1000 * resources.processor:.1f} ms of its processor. "
            f"With twice as many workers: {_text(played.improved['workers'].finish)}.",
            soft_wrap=True,
        )
    else:
        out.print("No worker has measured its processor: the forecast leaves it out.", soft_wrap=True)
    if resources.claiming:
        out.print(
            f"A claim takes {1000 * (resources.looking + resources.claiming):.1f} ms; for "
            f"{1000 * resources.claiming:.1f} ms of them the other claims of the district wait.",
            soft_wrap=True,
        )
    else:
        out.print("No worker has measured a claim: the forecast leaves claims out.", soft_wrap=True)
    out.print(f"Bottleneck: {played.bottleneck or 'none that doubling would widen'}.", soft_wrap=True)
    table = make_table(None, "Allowance of the key", "Last one in", "Past the time limit")
    for factor, with_it in played.allowances.items():
        calls = factor * resources.requests_per_window
        table.add_row(f"x{factor}: {calls:,} calls", _text(with_it.finish), f"{with_it.late:,}")
    out.print(table)
    if now.late:
        out.print(f"{now.late:,} syncs would end at their time limit as failed (timed-out).", soft_wrap=True)
    if now.sliced:
        out.print(f"{now.sliced:,} syncs work longer than a slice, and go back to the queue.", soft_wrap=True)


def _text(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def _render(played: "Rehearsal") -> dict[str, object]:
    """Return the forecast for programs, in seconds."""
    return {
        "sections": played.sections,
        "sections_left_out": played.left_out,
        "resources": asdict(played.resources),
        "finish_seconds": played.now.finish,
        "bottleneck": played.bottleneck,
        "late": played.now.late,
        "sliced": played.now.sliced,
        "improved": {what: one.finish for what, one in played.improved.items()},
        "allowances": {str(factor): one.finish for factor, one in played.allowances.items()},
    }
