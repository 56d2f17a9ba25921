"""Serve the policy of a district, and change it."""

from dataclasses import replace
from typing import Any

from gradesync.api.auth import DistrictReader, DistrictWriter
from gradesync.api.middleware import Router
from gradesync.api.schemas import policy as schemas
from gradesync.api.schemas.render import render_points
from gradesync.core.sis import Policy
from gradesync.db import audit, districts
from gradesync.errors import RequestRefused

router = Router("District", prefix="/policy")

# Choices that the district's file and this API name, and that a policy has as booleans.
CHOICES = {
    "title_overflow": ("shorten_titles", {"skip": False, "shorten": True}),
    "category_mapping": ("many_to_one", {"one_to_one": False, "many_to_one": True}),
}


@router.get("", summary="Get the policy")
async def get_policy(*, context: DistrictReader) -> schemas.Policy:
    """Return the choices in force."""
    return _render_policy((await context.district()).policy)


@router.patch("", summary="Change the policy")
async def change_policy(*, context: DistrictWriter, change: schemas.PolicyChange) -> schemas.Policy:
    """Change the members that are sent, for every sync that starts from now on.

    Applying the district's file sets the whole policy again: keep both in agreement.
    """
    changes = {
        name: value for name, value in change.model_dump(exclude_unset=True).items() if value is not None
    }
    async with context.database() as db:
        await districts.lock(db)
        district = await districts.get(db)
        if district is None:
            raise RequestRefused("token-not-accepted", "The district is no more.")
        policy = replace(
            district.policy, **dict(_parse_choice(name, value) for name, value in changes.items())
        )
        if policy != district.policy:
            await districts.apply(db, replace(district, policy=policy))
            changed = {name: str(value) for name, value in changes.items()}
            await audit.append(db, context.by.actor, "policy.changed", changed, context.source_ip)
    return _render_policy(policy)


def _parse_choice(name: str, value: Any) -> tuple[str, Any]:
    if name not in CHOICES:
        return name, value
    attribute, values = CHOICES[name]
    return attribute, values[value]


def _render_policy(policy: Policy) -> schemas.Policy:
    choices = {
        name: next(choice for choice, value in values.items() if value == getattr(policy, attribute))
        for name, (attribute, values) in CHOICES.items()
    }
    return schemas.Policy.model_validate(
        {
            **choices,
            "exception_flags": policy.exception_flags,
            "service_sync": policy.service_sync,
            "admin_sync": policy.admin_sync,
            "take_over": policy.take_over,
            "runs": policy.runs,
            "schedules": policy.schedules,
            "guard_share": render_points(policy.guard_share),
            "mean_shift": render_points(policy.mean_shift),
            "guard_scores": policy.guard_scores,
            "guard_assignments": policy.guard_assignments,
            "drift": policy.drift,
            "compare_nightly": policy.compare_nightly,
            "late_approval": policy.late_approval,
            "history_years": policy.history_years,
        }
    )
