"""Serve the file of a district as it is in force, and what differs from the operator's."""

from fastapi import Response

from gradesync.api.auth import DistrictReader
from gradesync.api.middleware import Router
from gradesync.api.schemas import district as schemas
from gradesync.core.district_differences import find_differences
from gradesync.core.district_export import export_district
from gradesync.db import districts

router = Router("District", prefix="/district")

TOML = "text/plain"  # of application/toml, generated clients know nothing
EXAMPLE = 'id = "riverside"\nname = "Riverside Unified"\n'


@router.get(
    "/file",
    summary="Get the district file",
    response_class=Response,
    responses={200: {"content": {TOML: {"schema": {"type": "string"}, "example": EXAMPLE}}}},
)
async def get_district_file(*, context: DistrictReader) -> Response:
    """Return every setting as it is in force, as the TOML that `gradesync district apply` takes.

    A comment stands in the place of each secret, so that applying the file as it is changes nothing: it is
    refused.
    """
    name = f"{context.caller.district_id}.toml"
    return Response(
        export_district(await context.district()),
        media_type=TOML,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


@router.get("/differences", summary="Compare the settings with the operator's file")
async def list_differences(*, context: DistrictReader) -> schemas.FileDifferences:
    """List the settings in force that differ from the file that the operator applied last.

    They were changed since in the console, by the API, or in the setup by invitation. Applying the same file
    again takes them back. Secrets are not compared.
    """
    async with context.database() as db:
        filed = await districts.get_filed(db)
    if filed is None:
        return schemas.FileDifferences(applied_at=None, items=[])
    found = find_differences(filed[0], await context.district())
    return schemas.FileDifferences(
        applied_at=filed[1], items=[schemas.FileDifference(**each._asdict()) for each in found]
    )
