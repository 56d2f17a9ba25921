"""Who asks, and whether they may: bearer tokens, scopes, and the one section of a teacher."""

from typing import Annotated

from fastapi import Depends, Path, Request, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, OAuth2, SecurityScopes
from structlog.contextvars import bind_contextvars

from gradesync.access.tokens import Scope, TokenRefused
from gradesync.api.allowance import count_request
from gradesync.api.context import RequestContext, SectionContext
from gradesync.api.schemas import SchoologyId
from gradesync.api.service import TheService
from gradesync.errors import RequestRefused

SCOPES = {
    Scope.SYNCS_READ: "Read syncs and their outcomes. A teacher's token also reads its section with it.",
    Scope.SYNCS_WRITE: "Start syncs, and switch assignments",
    Scope.SECTIONS_READ: "Read section links, assignments, category pairs and pre-flight reports",
    Scope.SECTIONS_WRITE: "Set section links and category pairs",
    Scope.CONNECTIONS_CHECK: "Try the district's credentials",
    Scope.DISTRICT_READ: "Read the district's policy and webhooks",
    Scope.DISTRICT_WRITE: "Change the district's policy and webhooks",
    Scope.AUDIT_READ: "Read who did what",
    Scope.TOKEN_EXCHANGE: "Exchange LTI id_tokens for teachers' tokens",
}
CHALLENGE = "www-authenticate"

client_credentials = OAuth2(
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(
            tokenUrl="/oauth/token", scopes={scope.value: words for scope, words in SCOPES.items()}
        )
    ),
    scheme_name="client",
    description="A client of the district: id and secret, given once by `gradesync client create`.",
    auto_error=False,
)
bearer = HTTPBearer(
    bearerFormat="JWT",
    scheme_name="token",
    description="A token of /oauth/token, a teacher's too.",
    auto_error=False,
)

SectionId = Annotated[SchoologyId, Path(description="Schoology section id")]


async def authenticate(
    wanted: SecurityScopes,
    request: Request,
    service: TheService,
    given: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    _: Annotated[str | None, Security(client_credentials)],
) -> RequestContext:
    """The context of a caller with a valid token that has the scopes of the route."""
    if given is None:
        raise RequestRefused("token-missing", "", headers={CHALLENGE: "Bearer"})
    try:
        caller = service.tokens.verify(given.credentials)
    except TokenRefused as error:
        raise _not_accepted() from error
    if not await service.client_stands(caller):
        raise _not_accepted()
    bind_contextvars(district=caller.district_id)
    for scope in wanted.scopes:
        if not caller.may(scope):
            raise _lacking(scope)
    await count_request(service, caller, request)
    return RequestContext(service, caller, request.client.host if request.client else None)


def _not_accepted() -> RequestRefused:
    return RequestRefused("token-not-accepted", "", headers={CHALLENGE: 'Bearer error="invalid_token"'})


def _lacking(scope: str) -> RequestRefused:
    return RequestRefused(
        "scope-missing",
        f"It takes the scope {scope}.",
        headers={CHALLENGE: f'Bearer error="insufficient_scope", scope="{scope}"'},
        extensions={"scope": scope},
    )


Authenticated = Annotated[RequestContext, Depends(authenticate)]


def in_section(section_id: SectionId, context: Authenticated) -> SectionContext:
    """A context whose token covers the section of the path; for other tokens it does not exist."""
    if context.caller.section_id not in {None, section_id}:
        raise RequestRefused("section-not-found", "The token is for another section.")
    return SectionContext(context.service, context.caller, context.source_ip, section_id)


def in_district(context: Authenticated) -> RequestContext:
    """A context of the district's own client."""
    if context.caller.section_id is not None:
        raise RequestRefused("district-only", "A teacher's token covers one section alone.")
    return context


def of_district_in_section(
    context: Annotated[SectionContext, Depends(in_section)],
    _: Annotated[RequestContext, Depends(in_district)],
) -> SectionContext:
    return context


SyncReader = Annotated[SectionContext, Security(in_section, scopes=[Scope.SYNCS_READ])]
SyncWriter = Annotated[SectionContext, Security(in_section, scopes=[Scope.SYNCS_WRITE])]
SectionReader = Annotated[SectionContext, Security(in_section, scopes=[Scope.SECTIONS_READ])]
SectionWriter = Annotated[SectionContext, Security(of_district_in_section, scopes=[Scope.SECTIONS_WRITE])]
LogReader = Annotated[RequestContext, Security(in_district, scopes=[Scope.SYNCS_READ])]
LinkReader = Annotated[RequestContext, Security(in_district, scopes=[Scope.SECTIONS_READ])]
LinkWriter = Annotated[RequestContext, Security(in_district, scopes=[Scope.SECTIONS_WRITE])]
DistrictReader = Annotated[RequestContext, Security(in_district, scopes=[Scope.DISTRICT_READ])]
DistrictWriter = Annotated[RequestContext, Security(in_district, scopes=[Scope.DISTRICT_WRITE])]
Checker = Annotated[RequestContext, Security(in_district, scopes=[Scope.CONNECTIONS_CHECK])]
Auditor = Annotated[RequestContext, Security(in_district, scopes=[Scope.AUDIT_READ])]
