"""Serve the file of a district as it is in force."""

from fastapi import APIRouter, Response

from gradesync.api.auth import DistrictReader
from gradesync.core.district_export import export_district

router = APIRouter(prefix="/district", tags=["District"])

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
