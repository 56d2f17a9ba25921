"""Test the message to a section's teachers: facts and fixes, short, and without a student's id."""

from gradesync.core.catalog import CATALOG
from gradesync.core.preflight import Obstacle
from gradesync.core.preflight_message import SHOWN, write_message
from gradesync.core.reasons import Reason

LONG, UNMAPPED = Reason.TITLE_TOO_LONG, Reason.CATEGORY_UNMAPPED


def test_a_message_names_facts_and_fixes_once_by_reason() -> None:
    obstacles = [
        Obstacle("skipped", UNMAPPED, "1", "Essay", category="Writing"),
        Obstacle("skipped", LONG, "2", "A long name"),
        Obstacle("skipped", UNMAPPED, "3", "Poem", category="Writing"),
    ]
    text = write_message("Algebra I", ["Robin Reyes", "Kim Lee"], obstacles)
    assert text.startswith(
        "Hello Robin Reyes and Kim Lee,\n\nSome of Algebra I would not sync to PowerSchool"
    )
    assert "- Essay (Writing)\n- Poem (Writing)\n" in text
    for reason in (LONG, UNMAPPED):
        assert text.count(CATALOG[reason].title) == 1
        assert f"What to do: {CATALOG[reason].fix}" in text


def test_a_message_counts_students_and_names_none() -> None:
    obstacles = [Obstacle("failed", Reason.STUDENT_NOT_IN_SIS_SECTION, student_id=f"579000{n}") for n in "12"]
    text = write_message("Algebra I", [], obstacles)
    assert "- 2 students\n" in text
    assert "579000" not in text
    assert "- 1 student\n" in write_message("Algebra I", [], obstacles[:1])


def test_a_message_stays_short() -> None:
    obstacles = [Obstacle("skipped", LONG, str(n), f"Name {n}") for n in range(SHOWN + 3)]
    text = write_message("Algebra I", [], [*obstacles, Obstacle("skipped", "of-later", "99", "Unknown")])
    assert "- and 3 more" in text
    assert "Unknown" not in text
