"""The arithmetic of a national deployment: what is assumed, what was measured, and what follows.

`make bench ARGS=scale` prints it. docs/scale.md carries the same table.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil

from gradesync.connections import READS_BESIDE_MULTIGET
from gradesync.pacing import per_window

SECTIONS = 2_800_000
SCORES = 900
DISTRICTS = 13_000
SYNCS_PER_SECOND = 100
SCORES_PER_SECOND = 1_000
BURST_SCORES_PER_SECOND = 6_000
BUSY_HOURS = 6
"""Hours of a school day in which the peak is taken to last: more than any day has."""
SCHOOL_DAYS = 22
"""In the 30 days that the log is kept."""
SYNC_SECONDS = 3.0
"""How long a sync with changes waits for two systems that take a second an answer, and a second more."""
HANDS = 40
"""GRADESYNC_MAX_SYNCS of a worker whose syncs wait for upstreams most of their time."""
NODE_CORES = 2
USED = 0.6
"""How much of a processor may be planned with."""
POOL = 10
TRANSACTIONS = 5
"""Of one sync with changes: a look at the district, the claim, what is stored, the mark, the end."""
COMMITS = 3
"""Of those, the ones that wait for the disk."""
ROWS_PER_SYNC = 10

KEY, LARGE_KEY = per_window(15, 5.0), per_window(50, 5.0)
"""What we take of a Schoology key that allows 15 calls in five seconds, and of one that allows 50."""
SYNC_CALLS = 3 + READS_BESIDE_MULTIGET
"""A multiget counts for three, unless the district says otherwise."""
LARGE_DISTRICT = 10_000

GIGABYTE = 1e9


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what, how it comes about, and the number."""

    what: str
    how: str
    number: str


def lines(measured: Mapping[str, float]) -> Iterator[Line]:
    """Every number of the page. `measured` is result by name, as `make bench` keeps it."""
    yield from _growth(measured)
    yield from _work(measured)
    yield from _keys()


def _growth(measured: Mapping[str, float]) -> Iterator[Line]:
    score = _of(measured, "ledger after ten change syncs, bytes a score")
    sync, outcome = _of(measured, "a settled sync, bytes"), _of(measured, "an outcome, bytes")
    key = _of(measured, "Redis, bytes a busy district")
    ledger = SECTIONS * SCORES * score
    syncs = SYNCS_PER_SECOND * BUSY_HOURS * 3600
    kept = syncs * SCHOOL_DAYS
    yield Line("ledger", f"{SECTIONS:,} sections x {SCORES} scores x {score:.0f} bytes", _bytes(ledger))
    yield Line("rows of the ledger", f"{SECTIONS:,} sections x 30 assignments", f"{SECTIONS * 30:,}")
    yield Line("syncs a day, at most", f"{SYNCS_PER_SECOND}/s for {BUSY_HOURS} hours", f"{syncs:,}")
    yield Line(
        "outcomes a day, at most",
        f"{SCORES_PER_SECOND:,}/s for {BUSY_HOURS} hours",
        f"{syncs * ROWS_PER_SYNC:,}",
    )
    yield Line("syncs in 30 days", f"{SCHOOL_DAYS} school days x {sync:,.0f} bytes", _bytes(kept * sync))
    yield Line(
        "outcomes in 30 days",
        f"{SCHOOL_DAYS} school days x {outcome:,.0f} bytes",
        _bytes(kept * ROWS_PER_SYNC * outcome),
    )
    yield Line("Redis", f"{DISTRICTS:,} districts, all busy x {key:,.0f} bytes", _bytes(DISTRICTS * key))


def _work(measured: Mapping[str, float]) -> Iterator[Line]:
    cpu = _of(measured, "processor time of the worker for a sync, ms")
    post, waits = _of(measured, "POST …/syncs, ms"), _of(measured, "who waits, ms")
    cores = SYNCS_PER_SECOND * cpu / 1000 / USED
    processes = ceil(SYNCS_PER_SECOND * SYNC_SECONDS / HANDS)
    burst = BURST_SCORES_PER_SECOND // ROWS_PER_SYNC
    node = NODE_CORES * USED * 1000 / cpu
    yield Line(
        "a node that carries syncs alone",
        f"{NODE_CORES} cores, {USED:.0%} used ÷ {cpu:.0f} ms",
        f"{node:.0f}/s",
    )
    yield Line("such nodes", f"{SYNCS_PER_SECOND}/s ÷ {node:.0f}/s", f"{ceil(SYNCS_PER_SECOND / node)}")
    yield Line("cores for workers", f"{SYNCS_PER_SECOND}/s x {cpu:.0f} ms, {USED:.0%} used", f"{ceil(cores)}")
    yield Line(
        "worker processes",
        f"{SYNCS_PER_SECOND}/s x {SYNC_SECONDS:g} s ÷ {HANDS} hands, one a core at least",
        f"{max(processes, ceil(cores))}",
    )
    yield Line(
        "the same for a burst",
        f"{BURST_SCORES_PER_SECOND:,} scores/s = {burst} syncs/s with no queue at all",
        f"{ceil(burst * cpu / 1000 / USED)}",
    )
    yield Line(
        "a burst of a minute on the peak's workers",
        f"60 s x {burst} syncs ÷ {SYNCS_PER_SECOND}/s",
        f"{60 * burst // SYNCS_PER_SECOND // 60} min until the last one starts",
    )
    yield Line(
        "API processes",
        f"{SYNCS_PER_SECOND}/s x {post:.1f} ms, {USED:.0%} used",
        f"{ceil(SYNCS_PER_SECOND * post / 1000 / USED)}",
    )
    pools = (max(processes, ceil(cores)) + ceil(SYNCS_PER_SECOND * post / 1000 / USED)) * POOL
    yield Line("connections to PostgreSQL", f"processes x {POOL}", f"{pools}")
    yield Line(
        "PostgreSQL's cores to see who waits",
        f"{SYNCS_PER_SECOND}/s x {waits:.0f} ms, where 1,000 districts wait at once",
        f"{SYNCS_PER_SECOND * waits / 1000:.1f}",
    )
    yield Line(
        "transactions of syncs",
        f"{SYNCS_PER_SECOND}/s x {TRANSACTIONS}",
        f"{SYNCS_PER_SECOND * TRANSACTIONS}/s",
    )
    yield Line(
        "commits that wait for the disk",
        f"{SYNCS_PER_SECOND}/s x {COMMITS}, and one for each request",
        f"{SYNCS_PER_SECOND * (COMMITS + 1)}/s",
    )


def _keys() -> Iterator[Line]:
    rate, large = (key.limit / key.window / SYNC_CALLS for key in (KEY, LARGE_KEY))
    yield Line(
        "syncs of one district",
        f"{KEY.limit} calls in {KEY.window:.2f} s, {SYNC_CALLS} a sync",
        f"{rate:.2f}/s",
    )
    yield Line(
        "the same where the key may do 50 calls in 5 s",
        f"{LARGE_KEY.limit} calls in {LARGE_KEY.window:.2f} s, {SYNC_CALLS} a sync",
        f"{large:.2f}/s",
    )
    yield Line(
        "districts that must be busy",
        f"{SYNCS_PER_SECOND}/s ÷ {rate:.2f}/s",
        f"{ceil(SYNCS_PER_SECOND / rate)}",
    )
    yield Line(
        f"{LARGE_DISTRICT:,} sections of one district, all at once",
        f"÷ {rate:.2f}/s, or ÷ {large:.2f}/s",
        f"{LARGE_DISTRICT / rate / 3600:.1f} h, or {LARGE_DISTRICT / large / 3600:.1f} h",
    )


def _of(measured: Mapping[str, float], what: str) -> float:
    """A measured figure, by the end of its name."""
    (found,) = (result for name, result in measured.items() if name.endswith(what))
    return found


def _bytes(number: float) -> str:
    return f"{number / GIGABYTE:,.0f} GB" if number >= GIGABYTE else f"{number / 1e6:,.0f} MB"
