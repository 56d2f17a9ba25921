"""Build the messages to webhooks: ids and counts, never titles, names or scores."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

SETTLED: Final = "sync.settled"
TEST: Final = "webhook.test"


def sync_settled(sync: Row[Any]) -> dict[str, object]:
    """Build the message about a sync that has just settled (Standard Webhooks: type, timestamp, data)."""
    return {
        "type": SETTLED,
        "timestamp": sync.finished_at.isoformat(),
        "data": {
            "district_id": sync.district_id,
            "section_id": sync.section_id,
            "sync_id": str(sync.id),
            "status": sync.status,
            "result": sync.result,
            "attention": sync.attention,
            "applied": sync.applied,
            "requested_by": {"kind": sync.requested_by_kind, "id": sync.requested_by_id},
            "assignments": sync.assignments,
            "scores": sync.scores,
            "warnings": sync.warnings,
            "error": sync.error_code,
        },
    }


def webhook_test(district_id: str, webhook_id: str, now: datetime) -> dict[str, object]:
    """Build the message that a person sends to try a webhook."""
    data = {"district_id": district_id, "webhook_id": webhook_id}
    return {"type": TEST, "timestamp": now.isoformat(), "data": data}
