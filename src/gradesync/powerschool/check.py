"""Tries a district's plugin, read-only, and says in an admin's words what is missing (contract section 2)."""

from collections.abc import Mapping

from gradesync.core.ports import Finding
from gradesync.errors import GradeSyncError, Retriable, SyncStopped
from gradesync.powerschool.calls import Calls, Closed
from gradesync.powerschool.grants import READ, WRITTEN
from gradesync.powerschool.refusals import Refusal, stop_for_permission, unknown_column

SKEW_SECONDS = 60

GRANTS: Mapping[str, tuple[str, ...]] = {**READ, **WRITTEN}
"""Columns to try by reading. That the gradebook's tables can also be written shows only when writing."""

WITHOUT: Mapping[str, str] = {
    "terms": "Due dates cannot be checked against the term before they are sent.",
    "cc": "Students who left the section are found only by PowerSchool's refusals.",
    "students": "Students can be matched only by DCID.",
    "assignmentscore": "Scores that someone edits in PowerSchool are not noticed.",
}
"""What does not work without a table that a sync can do without."""

FIX_PLUGIN = (
    "Grant it in the plugin's access request, upload the new plugin.xml, and disable and enable the plugin."
)


async def check(calls: Calls) -> tuple[Finding, ...]:
    """Findings in the order in which an admin would mend them: the first that fails ends the list."""
    try:
        await calls.auth.token()
        answer = await calls.learn()
    except GradeSyncError as error:
        return (_unreachable(error),)
    token = Finding("PowerSchool credentials", True, "PowerSchool gave a token.")
    skew = 0.0 if answer.date is None else (answer.date - calls.upstream.clock()).total_seconds()
    findings = [token, _clock(skew), _plugin(calls)]
    try:
        findings.append(await _v1(calls))
        findings += [await _grant(calls, table) for table in GRANTS]
    except GradeSyncError as error:
        findings.append(_unreachable(error))
    return tuple(findings)


def _unreachable(error: GradeSyncError) -> Finding:
    if isinstance(error, SyncStopped):
        fix = "Compare base_url, client_id and client_secret with the plugin's Data Provider Configuration."
        return Finding("PowerSchool credentials", False, error.detail, fix)
    detail = error.detail if isinstance(error, Retriable) else str(error)
    return Finding("PowerSchool connection", False, detail, "Try again; then check base_url and firewalls.")


def _clock(skew: float) -> Finding:
    if abs(skew) <= SKEW_SECONDS:
        return Finding("PowerSchool clock", True, "PowerSchool's clock and ours agree.")
    detail = f"PowerSchool's clock is {abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} ours."
    return Finding("PowerSchool clock", False, detail, "Synchronise the clocks of both servers with NTP.")


def _plugin(calls: Calls) -> Finding:
    if calls.memory.plugin_id is not None:
        return Finding("Plugin", True, f"The plugin is number {calls.memory.plugin_id}.")
    detail = "PowerSchool does not tell the plugin's number: assignments made by it are not recognised."
    return Finding("Plugin", False, detail, "See that /ws/v1/metadata is reachable.")


async def _v1(calls: Calls) -> Finding:
    """A section that nobody has: whether v1 is open shows in how it is refused."""
    answer = await calls.send("v1.section", "GET", "/ws/v1/section/0", {})
    if answer.status in (401, 403):
        detail = "The plugin may not read /ws/v1: rosters are read from tables instead, with more calls."
        return Finding("Version 1 API", False, detail, 'Give the plugin accessLevelV1Api="READ".')
    return Finding("Version 1 API", True, "The plugin may read /ws/v1.")


async def _grant(calls: Calls, table: str) -> Finding:
    """Every column at once; one that this PowerSchool does not have is no missing grant."""
    name, columns = f"Table {table.upper()}", list(GRANTS[table])
    while columns:
        try:
            await calls.probe(table, columns)
        except Closed as closed:
            unknown = unknown_column(closed.no)
            if unknown not in columns:
                detail = " ".join(filter(None, (_said(closed.no, table), WITHOUT.get(table))))
                return Finding(name, False, detail, FIX_PLUGIN)
            columns.remove(unknown)
        else:
            break
    detail = f"The plugin may read it ({len(columns)} fields)."
    return Finding(
        name, True, f"{detail} Whether it may write shows at the first sync." if table in WRITTEN else detail
    )


def _said(no: Refusal, table: str) -> str:
    try:
        stop_for_permission(no, "reading")
    except SyncStopped as stopped:
        return f"{stopped.detail}."
    return f"PowerSchool answered {no.status} for {table.upper()}."
