"""Make the API's description once for all tests of a process: it takes a second."""

from functools import cache
from typing import Any

from gradesync.api.app import openapi_document


@cache
def api_document() -> dict[str, Any]:
    """Return the description, to be read only."""
    return openapi_document()
