"""Show the simulators' calls, and set their switches and faults."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from gradesync_sandbox.control.targets import NOT_FOUND, TheFace, TheFaults, TheWorld
from gradesync_sandbox.district import World
from gradesync_sandbox.faults import Effect, Fault, Struck, System
from gradesync_sandbox.oneroster.state import OneRoster

router = APIRouter(tags=["Calls, switches, faults"], responses=NOT_FOUND)


class NewFault(BaseModel, extra="forbid"):
    """Hold a fault to order: the `nth` matching call from now (none: the next), `times` times (null: for
    ever).
    """

    system: System
    call: str = Field(description="A kind of call, `*` for all, or a pattern", examples=["score.write"])
    effect: Effect = Field(discriminator="kind", examples=[{"kind": "lose_after"}])
    nth: int | None = Field(None, ge=1)
    times: int | None = Field(1, ge=1)


class PluginFile(BaseModel, extra="forbid"):
    """Hold the text of a `plugin.xml`."""

    xml: str


class Granted(BaseModel, extra="forbid"):
    """State whether the plugin may use a column."""

    granted: bool


@router.get("/systems/{system}/calls")
async def calls(world: TheWorld, system: System, kind: str | None = None, last: int = 100) -> list[Any]:
    """List the last calls to a system in the order of arrival; score writes carry their rows and what each
    did.
    """
    found = [call for call in _side(world, system).log.calls if kind in (None, call.kind)]
    return [asdict(call) for call in found[-last:]]


@router.get("/systems/{system}/counters")
async def counters(world: TheWorld, system: System, window: float = 5.0) -> dict[str, Any]:
    """Count calls by kind, and the most that arrived within any `window` seconds; for PowerSchool also score
    rows by what they did, and the most calls at once.
    """
    log = _side(world, system).log
    counted: dict[str, Any] = {"calls": log.counts(), "max_in_window": log.max_in_window(window)}
    if system != "schoology":
        sis_log = world.powerschool.log
        counted |= {"max_in_flight": sis_log.max_in_flight, "score_rows": sis_log.effects()}
    return counted


@router.delete("/systems/{system}/calls", status_code=204)
async def forget_calls(world: TheWorld, system: System) -> None:
    """Begin the log and its counters anew."""
    _side(world, system).log.clear()


@router.get("/systems/{system}/switches")
async def switches(world: TheWorld, face: TheFace, system: System) -> dict[str, Any]:
    """Return a system's switches. `latency` in seconds is PowerSchool's, whichever way grades come."""
    return asdict(_switches(world, face, system))


@router.patch("/systems/{system}/switches")
async def set_switches(
    world: TheWorld,
    face: TheFace,
    system: System,
    changes: Annotated[dict[str, Any], Body(examples=[{"latency": 0.1}])],
) -> dict[str, Any]:
    """Change switches by name."""
    current = _switches(world, face, system)
    if unknown := changes.keys() - asdict(current).keys():
        raise HTTPException(422, f"no switch {min(unknown)}")
    try:
        checked = TypeAdapter(type(current)).validate_python(asdict(current) | changes)
    except ValidationError as problem:
        raise HTTPException(422, problem.errors(include_url=False)) from problem
    for name in changes:
        setattr(current, name, getattr(checked, name))
    return asdict(current)


@router.post("/systems/powerschool/tokens/revoke", status_code=204)
async def revoke_tokens(world: TheWorld) -> None:
    """End every PowerSchool token: the next call with one is answered 401."""
    world.powerschool.tokens.revoke_all()


@router.put("/systems/powerschool/grants/{table}/{column}", status_code=204)
async def grant(world: TheWorld, table: str, column: str, body: Granted) -> None:
    """Withhold a column from the plugin, or give it back."""
    plugin = world.powerschool.plugin
    (plugin.allow if body.granted else plugin.deny)(table, column)


@router.put("/systems/powerschool/plugin", status_code=204)
async def install_plugin(world: TheWorld, body: PluginFile) -> None:
    """Grant exactly what a `plugin.xml` asks for."""
    try:
        world.powerschool.plugin.install(body.xml)
    except (ValueError, KeyError, SyntaxError) as problem:
        raise HTTPException(422, f"not a plugin.xml: {problem}") from problem


@router.get("/faults")
async def list_faults(faults: TheFaults) -> list[Any]:
    """List the ordered faults, and how many matching calls each has seen."""
    return [asdict(rule) for rule in faults.rules]


@router.post("/faults", status_code=201)
async def add_fault(faults: TheFaults, body: NewFault) -> Any:
    """Order a fault, behind those that are ordered already."""
    return asdict(faults.add(Fault(body.system, body.call, body.effect, body.nth, body.times)))


@router.delete("/faults", status_code=204)
async def clear_faults(faults: TheFaults) -> None:
    """Take all faults back, and let every held call go on."""
    faults.clear()


@router.get("/faults/struck")
async def struck(faults: TheFaults) -> list[Struck]:
    """List the calls that a fault struck."""
    return faults.struck


@router.post("/faults/release", status_code=204)
async def release(faults: TheFaults) -> None:
    """Let every held call go on."""
    faults.release()


def _switches(world: World, face: OneRoster | None, system: System) -> Any:
    if system != "oneroster":
        return _side(world, system).switches
    if face is None:
        raise HTTPException(404, "this SIS doesn't speak OneRoster")
    return face.switches


def _side(world: World, system: System) -> Any:
    return world.schoology if system == "schoology" else world.powerschool
