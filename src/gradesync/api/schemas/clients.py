"""Define the bodies of the district's clients."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from gradesync.access.tokens import Scope
from gradesync.api.schemas.base import RequestModel, ResponseModel

ClientName = Annotated[
    str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["Data warehouse"])
]
SCOPES = Field(min_length=1, max_length=len(Scope), description="What its tokens may do")


class ClientRequest(RequestModel):
    """Add a client."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Data warehouse", "scopes": ["syncs:read"]}]}
    )

    name: Annotated[ClientName, Field(description="What it is, for the people of the district")]
    scopes: Annotated[list[Scope], SCOPES]


class RotateRequest(RequestModel):
    """Choose how long the old secret is accepted beside the new one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"keep_old_hours": 0}]})

    keep_old_hours: Annotated[int, Field(ge=0, le=72, description="0: it is refused at once")] = 24


class Client(ResponseModel):
    """Describe a client of the district."""

    id: str
    name: Annotated[str, Field(description="Empty for clients of before they had names")]
    scopes: list[str]
    created_by: Annotated[str, Field(description="Who made it, as the audit log names them")]
    created_at: datetime
    last_used_at: Annotated[
        datetime | None, Field(description="When it last got a token, exact to an hour; null: never")
    ]
    old_secret_until: Annotated[
        datetime | None, Field(description="Until when the secret before is accepted too")
    ]
    revoked_at: datetime | None


class ClientSecret(Client):
    """Show a client's secret."""

    secret: Annotated[str, Field(description="Shown only once", examples=["Zk3v9…"])]
