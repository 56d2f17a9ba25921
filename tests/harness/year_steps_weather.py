"""Let responses be partial, contradict or be lost for one sync, and let administrators turn the switches."""

from decimal import Decimal

from gradesync_sandbox.faults import LoseAfter, RefuseBefore
from gradesync_sandbox.powerschool.switches import ScoreFault, ScoreFaultKind
from harness.year_school import SchoolYear, pick
from harness.year_step import Step
from harness.year_steps_gradebook import grade

BENT = Decimal(97)
KINDS: tuple[ScoreFaultKind, ...] = ("omit", "alter", "misreport", "mute", "extra", "empty")
CALLS = ("assignment.create", "assignment.update", "score.write", "assignment.list", "score.write")
LISTS = ("enrollment", "assignment", "grade")


def bend_scores(year: SchoolYear, a: int, b: int) -> None:
    """Answer score writes as they were not meant (upstream.md PowerSchool §4.5)."""
    student = pick(sorted(year.powerschool.roster(year.sis)), b)
    kind = KINDS[a % len(KINDS)]
    year.powerschool.switches.score_faults.append(ScoreFault(kind, student, points=BENT, times=1 + b % 2))
    _rough(year, a, b)


def poison_scores(year: SchoolYear, a: int, b: int) -> None:
    student = pick(sorted(year.powerschool.roster(year.sis)), b)
    year.powerschool.switches.score_faults.append(ScoreFault("poison", student, times=None))
    _rough(year, a, b)


def lose_calls(year: SchoolYear, a: int, b: int) -> None:
    effect = LoseAfter() if b % 2 else RefuseBefore()
    year.harness.fault("powerschool", CALLS[a % len(CALLS)], effect, times=1 + b % 3)
    _rough(year, a, b)


def show_partial_list(year: SchoolYear, a: int, b: int) -> None:
    year.schoology.switches.grades_paged = True  # only a list with a total can be seen to be partial
    year.schoology.switches.partial_lists = {LISTS[a % len(LISTS)]: 1 + b}
    _rough(year, a, b)


def _rough(year: SchoolYear, a: int, b: int) -> None:
    """Let a grade change too, so that there is something to send."""
    year.rough = True
    year.bent.add(BENT)
    grade(year, a, b)


def end_weather(year: SchoolYear) -> None:
    """Let both systems behave again."""
    year.powerschool.switches.score_faults.clear()
    year.schoology.switches.partial_lists = {}
    year.run(year.harness.end_faults())
    year.rough, year.bent = False, set()


def change_pages(year: SchoolYear, a: int, b: int) -> None:
    year.powerschool.switches.page_cap = (100, 2, 3, 50)[a % 4]


def set_cell_clock(year: SchoolYear, a: int, b: int) -> None:
    """Put the clock of Schoology's cells behind the one of its responses, or ahead of it."""
    year.schoology.switches.cell_clock_offset = (0, -300, 120, -30)[a % 4]
    grade(year, a, b)


WEATHER = (
    Step("bend scores", "R41", bend_scores),
    Step("poison scores", "R47", poison_scores),
    Step("lose calls", "R51", lose_calls),
    Step("show partial list", "R49", show_partial_list),
    Step("change pages", "R49", change_pages),
    Step("set cell clock", "R48", set_cell_clock),
)
