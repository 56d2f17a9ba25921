"""Describe the messages to webhooks for the API document."""

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from gradesync.api.schemas.base import ResponseModel
from gradesync.api.schemas.webhooks import SyncSettled, WebhookTest

MESSAGES: Mapping[str, type[ResponseModel]] = {"sync.settled": SyncSettled, "webhook.test": WebhookTest}
REFERENCE = "#/components/schemas/{model}"
HEADERS = {
    "webhook-id": "The id of the delivery, the same for every attempt",
    "webhook-timestamp": "When it was sent, in seconds since 1970",
    "webhook-signature": "`v1,` and the signature; two of them while an old secret is valid",
}


def describe_messages() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the operations of the messages by their type, and the schemas that they need."""
    _, schemas = models_json_schema(
        [(model, "serialization") for model in MESSAGES.values()], ref_template=REFERENCE
    )
    return {type_: {"post": _describe(type_, model)} for type_, model in MESSAGES.items()}, schemas["$defs"]


def _describe(type_: str, model: type[ResponseModel]) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(model=model.__name__)}
    return {
        "tags": ["Webhooks"],
        "operationId": type_.replace(".", "_"),
        "summary": (model.__doc__ or "").rstrip("."),
        "description": "Signed according to Standard Webhooks. Return 2xx within ten seconds.",
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": description,
                "schema": {"type": "string"},
            }
            for name, description in HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"2XX": {"description": "Delivered. Anything else is retried."}},
    }
