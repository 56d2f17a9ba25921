"""Serve an invented district until Ctrl-C: `python -m gradesync_sandbox`."""

import asyncio
import contextlib
import json
import signal
from pathlib import Path
from typing import Annotated, Literal

import typer

from gradesync_sandbox.district import World
from gradesync_sandbox.district_file import district_toml, summary
from gradesync_sandbox.oneroster.demands import PROFILES, SERVERS, change_demands
from gradesync_sandbox.oneroster.state import OneRoster, open_face
from gradesync_sandbox.server import Sandbox
from gradesync_sandbox.world import build

Option = typer.Option


def main(
    *,
    seed: Annotated[int, Option(help="The same seed makes the same district.")] = 7,
    sections: Annotated[int, Option(min=1, max=20_000)] = 3,
    students: Annotated[int, Option(min=0, max=2000, help="Students in each section.")] = 30,
    assignments: Annotated[int, Option(min=0, max=2000, help="Assignments in each section.")] = 36,
    host: Annotated[str, Option()] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65532, help="First of four ports; 0: free ones.")] = 0,
    ideal: Annotated[bool, Option("--ideal", help="No troubles: points in every cell.")] = False,
    latency: Annotated[float, Option(min=0, help="Seconds before every answer of both systems.")] = 0.0,
    schoology_limit: Annotated[int | None, Option(min=1, help="Requests a key may make in a window.")] = None,
    schoology_window: Annotated[float, Option(min=0.1, help="That window in seconds.")] = 5.0,
    tool_url: Annotated[str | None, Option(help="Install gradesync's LTI tool at this URL.")] = None,
    district_file: Annotated[
        Path | None, Option(help="Write the district's file for gradesync here.")
    ] = None,
    sis: Annotated[
        Literal["powerschool", "oneroster"], Option(help="How the SIS takes grades.")
    ] = "powerschool",
    profile: Annotated[
        str | None, Option(help=f"Its dialect of OneRoster: {', '.join(PROFILES)}. [default: standard]")
    ] = None,
    version: Annotated[
        str | None, Option(help="Version of OneRoster; the profile's usual one if not given.")
    ] = None,
    demand: Annotated[
        list[str] | None, Option(help="What its server demands otherwise, such as auth=form; repeatable.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Serve an invented school district: Schoology, a SIS, LTI launches, and a control API."""
    world = build(seed, sections, students, assignments, ideal=ideal)
    world.schoology.switches.latency = world.powerschool.switches.latency = latency
    world.schoology.switches.credits = schoology_limit
    world.schoology.switches.window_seconds = schoology_window
    if tool_url is not None:
        base = tool_url.rstrip("/")
        world.lti.register(f"{base}/lti/login", f"{base}/lti/launch")
    if sis == "powerschool" and (profile or version or demand):
        raise typer.BadParameter("A profile, a version and demands are of OneRoster: add --sis oneroster.")
    face = None if sis == "powerschool" else _open_face(world, profile, version, demand or [])
    asyncio.run(_serve(Sandbox(world, host, port, oneroster=face), district_file, as_json=as_json))


def _open_face(world: World, profile: str | None, version: str | None, demands: list[str]) -> OneRoster:
    try:
        face = open_face(world.powerschool, profile or "standard", version)
    except KeyError:
        spoken = ", ".join(f"{name} {version}" for name, version in SERVERS)
        raise typer.BadParameter(f"There is no such server. Choose one of: {spoken}.") from None
    try:
        face.demands = change_demands(face.demands, dict(each.split("=", 1) for each in demands))
    except ValueError as error:
        raise typer.BadParameter(f"A demand is NAME=VALUE: {error}") from None
    return face


async def _serve(sandbox: Sandbox, district_file: Path | None, *, as_json: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with sandbox:
        if district_file is not None:
            await asyncio.to_thread(district_file.write_text, district_toml(sandbox))
        typer.echo(json.dumps(summary(sandbox)) if as_json else _greeting(sandbox, district_file))
        await stop.wait()


def _greeting(sandbox: Sandbox, district_file: Path | None) -> str:
    first = sandbox.world.classrooms[0]
    lines = [
        f"Schoology    {sandbox.schoology_url}",
        f"The SIS      {sandbox.sis_url}",
        f"LTI          {sandbox.lti_url}",
        f"Control      {sandbox.control_url}",
        f"{len(sandbox.world.classrooms)} sections; the first is {first.section.id}, {first.section.name}.",
    ]
    if district_file is not None:
        lines.append(f"District file written to {district_file}")
    return "\n".join([*lines, "Ctrl-C ends it."])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        typer.run(main)
