"""Derive the ids of what gradesync creates: the same thing has the same id in every attempt.

They hold nothing of a person (upstream.md OneRoster §5).
"""

import json
from uuid import UUID, uuid5

NAMESPACE = UUID("5b0b7b5e-6b1a-5f0e-9f55-3a1c2f1d8e47")
MARK = 8  # hex digits of a line item's id that name its class


def mark_class(tenant: str, class_id: str) -> str:
    """Return the digits with which the ids of all our line items of a class begin."""
    return _derive("class", tenant, class_id).hex[:MARK]


def line_item_id(tenant: str, class_id: str, item: str, generation: int) -> str:
    """Return the id of the line item of an assignment of the source.

    `generation` counts how often its id was given away: a SIS may keep a deleted id for ever.
    """
    own = _derive("lineItem", tenant, class_id, item, str(generation))
    return str(UUID(hex=mark_class(tenant, class_id) + own.hex[MARK:]))


def is_ours(line_item: str, tenant: str, class_id: str) -> bool:
    """Return True for an id that `line_item_id` has made for this class."""
    return line_item.lower().startswith(f"{mark_class(tenant, class_id)}-")


def result_id(line_item: str, student: str) -> str:
    """Return the id of a student's result in a line item."""
    return str(_derive("result", line_item, student))


def _derive(*parts: str) -> UUID:
    return uuid5(NAMESPACE, json.dumps(parts))
