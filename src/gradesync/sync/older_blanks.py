"""Hold back blanks that are older than the score that was sent, as the history shows (R38)."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.gradebook import Gradebook
from gradesync.core.ledger import Ledger
from gradesync.core.older_blanks import find_older_blanks, hold_blanks, is_certain
from gradesync.db import history


async def hold_older_blanks(
    gradebook: Gradebook,
    ledger: Ledger,
    students: Mapping[str, str],
    database: Callable[[], AbstractAsyncContextManager[AsyncSession]],
) -> Gradebook:
    """Return a gradebook in which blanks that are older than what was sent count as never made (R38).

    `students` are SIS keys by uid. A blank that may have been missed, or made while the student was away, is
    older where the history shows that a score was written after it.
    """
    older = find_older_blanks(gradebook, ledger, students)
    held = {each for each in older if is_certain(gradebook, ledger[each[0]], each[1])}
    doubted = {
        (assignment_id, uid): made
        for (assignment_id, uid), made in older.items()
        if (assignment_id, uid) not in held
        and ledger[assignment_id].sent.get(students.get(uid, "")) is not None
    }
    if doubted:
        async with database() as db:
            written = await history.find_last_written(db, gradebook.section_id, min(doubted.values()))
        for (assignment_id, uid), made in doubted.items():
            places = (assignment_id, ledger[assignment_id].taken_from)
            times = [at for place in places if (at := written.get((place or "", students[uid])))]
            if times and made <= max(times):
                held.add((assignment_id, uid))
    return hold_blanks(gradebook, held)
