"""Test a district's access over OneRoster, read-only: each scope alone, then each service."""

from collections.abc import Mapping
from dataclasses import dataclass

from gradesync.core.ports import Finding
from gradesync.core.reasons import Reason
from gradesync.errors import CertificateRefused, GradeSyncError, Retriable, SyncStopped
from gradesync.oneroster.calls import Calls
from gradesync.oneroster.refusals import read_refusal
from gradesync.upstream.auth import ClientCredentials

# What does not work without a scope.
CONSEQUENCES: Mapping[str, str] = {
    "roster.readonly": "Classes, terms and students cannot be read.",
    "gradebook.readonly": "Categories, assignments and scores cannot be read.",
    "gradebook.createput": "Assignments and scores cannot be written.",
    "gradebook.createpost": "Scores cannot be written many at once.",
    "gradebook.delete": "Scores cannot be cleared.",
}
# Scope -> the setting of a district whose SIS does without it.
WITHOUT: Mapping[str, str] = {
    "gradebook.createpost": "bulk_post = false",
    "gradebook.delete": 'blank = "cannot"',
}
# Service -> a read that every SIS has, one row of it.
PROBES = {"rostering": "/academicSessions", "gradebook": "/lineItems"}


@dataclass(frozen=True, slots=True)
class Checker:
    """Hold what a check needs. `scopes` are sources of a token for one scope alone, by scope."""

    calls: Calls
    scopes: Mapping[str, ClientCredentials]

    async def run(self) -> tuple[Finding, ...]:
        """Return findings in the order in which an admin would fix them; a failure to connect ends it."""
        findings: list[Finding] = []
        try:
            # Signatures are tried by the services alone: no token shows that they are accepted.
            if self.scopes:
                findings = [await self._check_token()]
            findings += [await self._check_scope(scope) for scope in self.scopes]
            if all(finding.ok for finding in findings[:1]):
                findings += [await self._check_service(name) for name in PROBES]
        except GradeSyncError as error:
            findings.append(_describe_error(error))
        return tuple(findings)

    async def _check_token(self) -> Finding:
        try:
            await self.calls.auth.get_token()
        except SyncStopped as stopped:
            fix = "Compare client_id, client_secret, token_url and auth with what the SIS's vendor gave."
            return Finding("SIS credentials", False, f"{stopped.detail}.", fix)
        return Finding("SIS credentials", True, "The SIS accepts the credentials.")

    async def _check_scope(self, scope: str) -> Finding:
        name = scope.rpartition("/")[2]
        try:
            await self.scopes[scope].get_token()
        except SyncStopped:
            detail = f"The SIS gives no token for it. {CONSEQUENCES[name]}"
            fix = f"Ask the SIS's vendor for the scope {scope}"
            fix += f", or set {WITHOUT[name]} under [sis]." if name in WITHOUT else "."
            return Finding(f"Scope {name}", False, detail, fix)
        return Finding(f"Scope {name}", True, "The SIS gives a token for it.")

    async def _check_service(self, name: str) -> Finding:
        service = self.calls.rostering if name == "rostering" else self.calls.gradebook
        title = f"Service {name}"
        try:
            response = await self.calls.send(
                service, f"{name}.probe", "GET", PROBES[name], params={"limit": "1", "offset": "0"}
            )
        except SyncStopped as stopped:
            if stopped.reason != Reason.SIS_CREDENTIALS_REFUSED:
                raise
            given = "the extra headers" if self.scopes else "client_id, client_secret and auth"
            fix = f"Compare {given} with what the SIS's vendor gave."
            return Finding(title, False, f"{stopped.detail}.", fix)
        refusal = read_refusal(response)
        if response.status == 200 and not refusal.failed:
            return Finding(title, True, f"{PROBES[name]} answers.")
        fix = f"Check {name}_url, the extra headers, and what the vendor has switched on."
        return Finding(title, False, f"{refusal.describe(PROBES[name])}.", fix)


def _describe_error(error: GradeSyncError) -> Finding:
    if isinstance(error, CertificateRefused):
        fix = "Let the SIS's server send its intermediate certificates, or let gradesync trust its issuer."
        return Finding("SIS certificate", False, f"{error.detail}.", fix)
    detail = error.detail if isinstance(error, Retriable | SyncStopped) else str(error)
    return Finding("SIS connection", False, f"{detail}.", "Try again; then check the addresses.")
