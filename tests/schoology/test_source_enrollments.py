"""Test enrollments that cannot be read: whose they are, and whether they are in force."""

import pytest

from gradesync.core.gradebook import Gradebook
from harness.canned_schoology import CannedSchoology, enrollment, grades, read


async def book_with(*enrollments: object) -> Gradebook:
    schoology = CannedSchoology()
    schoology.put("enrollments", {"enrollment": list(enrollments)})
    schoology.put("grade_items", {"assignment": []})
    schoology.put("grades", grades())
    return await read(schoology)


async def test_ended_enrollment_of_nobody_leaves_the_roster_whole() -> None:
    book = await book_with(enrollment(1, None, status=5), enrollment(2, 12))
    assert book.students.keys() == {"12"}
    assert not book.partial_lists


@pytest.mark.parametrize("other", ["1", "5"])
async def test_R39_one_unreadable_of_several_is_not_ended(other: str) -> None:
    book = await book_with(enrollment(1, 11, status=other), enrollment(2, 11, status=None))
    assert (book.students["11"].active, book.students["11"].unreadable) == (False, True)
