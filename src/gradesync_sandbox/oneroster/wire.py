"""Encode responses of OneRoster: exact numbers, sets, and refusals in each shape of the field."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from gradesync_sandbox.oneroster.demands import Demands

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Refused(Exception):
    """Refuse a call with a code value of the standard's vocabulary."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.code = code


def answer(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response."""
    return Response(_ENCODER.encode(content), status, {"content-type": "application/json", **(headers or {})})


def refuse(refused: Refused, demands: Demands) -> Response:
    """Return a refusal in the shape that this server has."""
    info: dict[str, Any] = {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_description": str(refused),
    }
    if demands.refusal == "statusInfoSet":
        set_ = [{**info, "imsx_codeMinor": refused.code.replace("invaliddata", "invalid_data")}]
        return answer({"statusInfoSet": set_}, refused.status)
    field = {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": refused.code}
    info["imsx_CodeMinor"] = {"imsx_codeMinorField": [field]}
    if demands.refusal == "imsx_StatusInfo":
        return answer({"imsx_StatusInfo": info}, refused.status)
    return answer(info, refused.status)
