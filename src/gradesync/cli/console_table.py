"""Define the table [console] of a district file: who may open the console, and what they may do there."""

from typing import Literal, Self

from pydantic import model_validator

from gradesync.cli.district_fields import Issuer, Table, Text, refuse_value
from gradesync.core.district import ConsoleAccess, OidcAccess

PROVIDER = ("client_id", "client_secret", "viewers", "operators")  # settings that need an issuer


class Console(Table):
    """Take the role of system admins, and a provider of OpenID Connect with the subjects of each role."""

    system_admins: Literal["none", "viewer", "operator"] = "viewer"
    issuer: Issuer | None = None
    client_id: Text | None = None
    client_secret: Text | None = None
    viewers: tuple[Text, ...] = ()
    operators: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if twice := sorted({*self.viewers} & {*self.operators}):
            raise refuse_value(
                f"{twice[0]!r} has two roles",
                "Name each subject once: operators may look too",
                setting="viewers",
            )
        if self.issuer is None:
            if given := [name for name in PROVIDER if getattr(self, name)]:
                hint = "Add issuer, the address of your OpenID Connect provider"
                raise refuse_value("the issuer of the subjects is missing", hint, setting=given[0])
        elif self.client_id is None:
            hint = "Add client_id, as the provider shows it for this application"
            raise refuse_value("client_id is missing beside issuer", hint, setting="issuer")
        elif not (self.viewers or self.operators):
            hint = 'Add operators = ["…"] or viewers = ["…"], with the subjects (sub) of your people'
            raise refuse_value("nobody may sign in", hint, setting="issuer")
        return self

    def access(self) -> ConsoleAccess:
        """Return the roles of people who come from Schoology."""
        return ConsoleAccess(self.system_admins)

    def oidc(self) -> OidcAccess | None:
        """Return the provider; None where people come from Schoology alone."""
        if self.issuer is None or self.client_id is None:
            return None
        return OidcAccess(self.issuer, self.client_id, self.client_secret or "", self.viewers, self.operators)
