"""Define the categories of all sections as JSON."""

from typing import Annotated

from pydantic import Field

from gradesync.api.schemas.base import ResponseModel


class UnmappedTitle(ResponseModel):
    """Count a title of grading categories that goes to no SIS category."""

    title: Annotated[str, Field(description="In its commonest spelling: letter case does not matter")]
    sections: int
    items: Annotated[int, Field(description="Assignments that do not sync for it")]


class SisTitle(ResponseModel):
    """Count a title of active SIS categories, to pick from."""

    title: str
    sections: int


class UnmappedTitles(ResponseModel):
    """List the titles that go nowhere, as the last syncs of their sections read them."""

    items: Annotated[list[UnmappedTitle], Field(description="Those with most assignments first")]
    sis_titles: Annotated[list[SisTitle], Field(description="The most common first")]


class PairChange(ResponseModel):
    """Describe a category of a section that would go to another SIS category."""

    section_id: str
    section: Annotated[str | None, Field(description="The title of the section")]
    category: str
    items: int
    before: Annotated[str | None, Field(description="The SIS category's title; null: none")]
    after: Annotated[str | None, Field(description="null: none, so its assignments would not sync")]


class RulesPreview(ResponseModel):
    """Show what title rules would change, before they are kept."""

    sections: int
    items: Annotated[int, Field(description="Assignments of the categories that would change")]
    changes: Annotated[list[PairChange], Field(description="At most 200, by section")]
