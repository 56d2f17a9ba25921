"""How ids of the source name things of the SIS, by a district's patterns."""

import re

from gradesync.core.district import Match


def section_key(match: Match, code: str | None) -> str | None:
    """The SIS's id of the section that a school code names; None where the code does not fit."""
    return _first_group(match.section, code)


def student_key(match: Match, school_uid: str | None) -> str | None:
    """The SIS's id of the student that a school uid names; None where the uid does not fit (R35)."""
    return _first_group(match.student, school_uid)


def _first_group(pattern: str, text: str | None) -> str | None:
    found = re.search(pattern, text, re.ASCII) if text else None
    return (found[1] or None) if found else None
