"""What a district chose, read and changed by itself."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter

from gradesync.api.auth import DistrictReader, DistrictWriter
from gradesync.api.schemas import district as schemas
from gradesync.api.schemas import render
from gradesync.core.sis import Policy
from gradesync.db import audit, districts
from gradesync.errors import RequestRefused

router = APIRouter(prefix="/policy", tags=["District"])

CHOICES = {
    "title_overflow": ("shorten_titles", {"skip": False, "shorten": True}),
    "category_mapping": ("many_to_one", {"one_to_one": False, "many_to_one": True}),
}
"""What the district's file and this API say in words, and a policy holds as yes or no."""


@router.get("", summary="The policy")
async def get_policy(*, context: DistrictReader) -> schemas.Policy:
    """The choices in force."""
    return _told((await context.district()).policy)


@router.patch("", summary="Change the policy")
async def change_policy(*, context: DistrictWriter, change: schemas.PolicyChange) -> schemas.Policy:
    """Change what is named, for every sync that starts from now on.

    Applying the district's file sets the whole policy again: keep the two alike.
    """
    named = {
        name: value for name, value in change.model_dump(exclude_unset=True).items() if value is not None
    }
    async with context.database() as db:
        await districts.hold(db)
        district = await districts.get(db)
        if district is None:
            raise RequestRefused("token-not-accepted", "The district is no more.")
        policy = replace(district.policy, **dict(_held(name, value) for name, value in named.items()))
        if policy != district.policy:
            await districts.apply(db, replace(district, policy=policy))
            changed = {name: str(value) for name, value in named.items()}
            await audit.append(db, context.by.actor, "policy.changed", changed, context.source_ip)
    return _told(policy)


def _held(name: str, value: Any) -> tuple[str, Any]:
    if name not in CHOICES:
        return name, value
    held, words = CHOICES[name]
    return held, words[value]


def _told(policy: Policy) -> schemas.Policy:
    choices = {
        name: next(word for word, value in words.items() if value == getattr(policy, held))
        for name, (held, words) in CHOICES.items()
    }
    return schemas.Policy.model_validate(
        {
            **choices,
            "exception_flags": policy.exception_flags,
            "service_sync": policy.service_sync,
            "admin_sync": policy.admin_sync,
            "take_over": policy.take_over,
            "guard_share": render.points(policy.guard_share),
            "guard_scores": policy.guard_scores,
            "guard_assignments": policy.guard_assignments,
        }
    )
