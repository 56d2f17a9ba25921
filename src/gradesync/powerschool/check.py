"""Test a district's plugin, read-only, and report in an admin's words what is missing.

See upstream.md PowerSchool §2.
"""

from collections.abc import Mapping

from gradesync.core.ports import Finding
from gradesync.errors import CertificateRefused, GradeSyncError, Retriable, SyncStopped
from gradesync.powerschool.calls import Calls, ReadRefused
from gradesync.powerschool.refusal_texts import find_unknown_column
from gradesync.powerschool.refusals import Refusal, stop_for_permission

SKEW_SECONDS = 60

# The columns that our plugin requests. With less than every column of the gradebook's tables, a create was
# refused on a live server.
AUDIT = ("whocreated", "whencreated", "whomodified", "whenmodified")

# Tables that a sync writes: FullAccess.
WRITTEN: Mapping[str, tuple[str, ...]] = {
    "assignment": (
        *("assignmentid", "yearid", "createdbyplugin", "hasstandards", "standardscoringmethod"),
        *("standardcalcdirection", "standardrollupmethod", "standardrollupmetric", *AUDIT),
    ),
    "assignmentsection": (
        *("assignmentsectionid", "yearid", "sectionsdcid", "assignmentid", "relatedgradescaleitemdcid"),
        *("name", "duedate", "description", "scoretype", "scoreentrypoints", "extracreditpoints", "weight"),
        *("totalpointvalue", "iscountedinfinalgrade", "isscoringneeded", "publishoption"),
        *("publishdaysbeforedue", "publishonspecificdate", "publisheddate", "publishedscoretypeid"),
        *("isscorespublish", "maxretakeallowed", *AUDIT),
    ),
    "assignmentcategoryassoc": (
        *("assignmentcategoryassocid", "assignmentsectionid", "teachercategoryid", "yearid", "isprimary"),
        *AUDIT,
    ),
    "assignmentscore": (
        *("assignmentscoreid", "yearid", "assignmentsectionid", "studentsdcid", "islate", "iscollected"),
        *("isexempt", "ismissing", "isabsent", "isincomplete", "actualscoreentered", "actualscorekind"),
        *("actualscoregradescaledcid", "scorepercent", "scorepoints", "scorelettergrade"),
        *("scorenumericgrade", "scoreentrydate", "scoregradescaledcid", "hasretake", *AUDIT),
    ),
}

# Tables that a sync reads: ViewOnly.
READ: Mapping[str, tuple[str, ...]] = {
    "sections": ("dcid", "id", "termid", "schoolid", "teacher"),
    "sectionteacher": ("sectionid", "teacherid", "roleid", "start_date", "end_date"),
    "roledef": ("id", "name"),
    "schoolstaff": ("id", "users_dcid"),
    "terms": ("id", "yearid", "schoolid", "firstday", "lastday"),
    "students": ("dcid", "id", "student_number"),
    "cc": ("sectionid", "studentid"),
    "teachercategory": (
        *("teachercategoryid", "districtteachercategoryid", "usersdcid", "name", "description", "color"),
        *("isactive", "isinfinalgrades", "isusermodifiable", "teachermodified", "displayposition"),
        *("isdefaultpublishscores", "defaultpublishoption", "defaultpublishstate", "defaultdaysbeforedue"),
        *("defaultscoretype", "defaultscoreentrypoints", "defaultextracreditpoints", "defaultweight"),
        "defaulttotalvalue",
    ),
}

# Columns to test by reading. Only a write shows that the gradebook's tables can also be written.
GRANTS: Mapping[str, tuple[str, ...]] = {**READ, **WRITTEN}

# What does not work without a table that a sync can do without.
CONSEQUENCES: Mapping[str, str] = {
    "roledef": "Where several teachers share a section, the lead is found by PowerSchool's id alone.",
    "terms": "Due dates cannot be checked against the term before they are sent.",
    "cc": "Students who left the section are found only by PowerSchool's refusals.",
    "students": "Students can be matched only by DCID.",
    "assignmentscore": "Scores that someone edits in PowerSchool are not noticed.",
}

FIX_CERTIFICATE = (
    "Renew the certificate of PowerSchool's web server, and let it send its intermediate certificates too. "
    "Or let gradesync trust its issuer (SSL_CERT_FILE)."
)
FIX_PLUGIN = (
    "Grant it in the plugin's access request, upload the new plugin.xml, and disable and enable the plugin."
)


async def check_connection(calls: Calls) -> tuple[Finding, ...]:
    """Return findings in the order in which an admin would fix them.

    A credential or connection that fails ends the list.
    """
    try:
        await calls.auth.get_token()
        response = await calls.read_metadata()
    except GradeSyncError as error:
        return (_describe_error(error),)
    token = Finding("PowerSchool credentials", True, "PowerSchool issued a token.")
    skew = 0.0 if response.date is None else (response.date - calls.upstream.clock()).total_seconds()
    findings = [token, _check_clock(skew), _check_plugin(calls)]
    try:
        findings.append(await _check_v1(calls))
        findings += [await _check_table(calls, table) for table in GRANTS]
    except GradeSyncError as error:
        findings.append(_describe_error(error))
    return tuple(findings)


def _describe_error(error: GradeSyncError) -> Finding:
    if isinstance(error, SyncStopped):
        fix = "Compare base_url, client_id and client_secret with the plugin's Data Provider Configuration."
        return Finding("PowerSchool credentials", False, error.detail, fix)
    if isinstance(error, CertificateRefused):
        return Finding("PowerSchool certificate", False, f"{error.detail}.", FIX_CERTIFICATE)
    detail = error.detail if isinstance(error, Retriable) else str(error)
    return Finding("PowerSchool connection", False, detail, "Try again; then check base_url and firewalls.")


def _check_clock(skew: float) -> Finding:
    if abs(skew) <= SKEW_SECONDS:
        return Finding("PowerSchool clock", True, "PowerSchool's clock and ours agree.")
    detail = f"PowerSchool's clock is {abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} ours."
    return Finding("PowerSchool clock", False, detail, "Synchronize the clocks of both servers with NTP.")


def _check_plugin(calls: Calls) -> Finding:
    if calls.memory.plugin_id is not None:
        return Finding("Plugin", True, f"The plugin is number {calls.memory.plugin_id}.")
    detail = "PowerSchool doesn't report the plugin's number: assignments made by it are not recognized."
    return Finding("Plugin", False, detail, "Make sure that /ws/v1/metadata is reachable.")


async def _check_v1(calls: Calls) -> Finding:
    # No section has this id: the status of the refusal shows if the plugin may read v1.
    response = await calls.send("v1.section", "GET", "/ws/v1/section/0", {})
    if response.status in (401, 403):
        detail = "The plugin may not read /ws/v1: rosters are read from tables instead, with more calls."
        return Finding("Version 1 API", False, detail, 'Give the plugin accessLevelV1Api="READ".')
    return Finding("Version 1 API", True, "The plugin may read /ws/v1.")


async def _check_table(calls: Calls, table: str) -> Finding:
    """Test every column at once; one that this PowerSchool does not have is no missing grant."""
    name, columns = f"Table {table.upper()}", list(GRANTS[table])
    while columns:
        try:
            await calls.probe_table(table, columns)
        except ReadRefused as refused:
            unknown = find_unknown_column(refused.refusal.status, refused.refusal.text)
            if unknown not in columns:
                detail = " ".join(
                    filter(None, (_describe_refusal(refused.refusal, table), CONSEQUENCES.get(table)))
                )
                return Finding(name, False, detail, FIX_PLUGIN)
            columns.remove(unknown)
        else:
            break
    detail = f"The plugin may read it ({len(columns)} fields)."
    return Finding(
        name, True, f"{detail} The first sync shows if it may write." if table in WRITTEN else detail
    )


def _describe_refusal(refusal: Refusal, table: str) -> str:
    try:
        stop_for_permission(refusal, "reading")
    except SyncStopped as stopped:
        return f"{stopped.detail}."
    return f"PowerSchool answered {refusal.status} for {table.upper()}."
