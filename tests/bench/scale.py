"""Compute what a cell carries, and a national deployment, from what is assumed and what was measured.

`make bench ARGS=scale` prints both. docs/scale.md shows the same tables.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil

from bench.cells import COST, LARGE, PARTS, REFUSED, ROWS, USUAL
from gradesync.core.district import SchoologyAccess
from gradesync.upstream.limits import RateLimit, per_window

SECTIONS = 2_800_000
SCORES = 900
DISTRICTS = 13_000
SYNCS_PER_SECOND = 100
PEAK = f"{SYNCS_PER_SECOND}/s"
SCORES_PER_SECOND = 1_000
BURST_SCORES_PER_SECOND = 6_000
BUSY_HOURS = 6
"""Assume the peak for so many hours of a school day: more than any day has."""
SCHOOL_DAYS, YEAR_DAYS = 22, 180
"""Count school days in the 30 days that the log is kept, and in a school year."""
SYNC_SECONDS = 3.0
"""Assume the wait of a sync with changes for two systems that respond in a second, plus one second."""
SYNCS_AT_ONCE = 40
"""Set GRADESYNC_MAX_SYNCS of a worker whose syncs wait for upstreams most of their time."""
NODE_CORES, SERVER_CORES = 2, 16
"""Count the processors of a machine as it was measured, and of one that has PostgreSQL alone."""
USED = 0.6
"""Plan with this share of a processor."""
POOL = 10
WAITING = "10,000 districts x 10 queued, 20 settled: who waits, ms"
TRANSACTIONS = 6
"""Count a changed sync's transactions: look for work, look at the district, claim, store, mark, end."""
COMMITS = 3
"""Count those transactions that wait for the disk."""
ROWS_PER_SYNC = 10
SUMMARIES_PER_SYNC = 2
"""Count the summaries of a sync of changes: its unchanged assignments, and scores that it read again."""

KEY, LARGE_KEY = per_window(15, 5.0), per_window(50, 5.0)
"""Take calls of a Schoology key that allows 15 in five seconds, and of one that allows 50."""
SYNC_CALLS = SchoologyAccess("", "", "").calls_per_sync
"""Count the calls that a sync reserves of a key, unless the district sets another multiget cost."""
LARGE_DISTRICT = 10_000

GIGABYTE = 1e9


@dataclass(frozen=True, slots=True)
class Line:
    """Hold one line: its name, its formula, and the number."""

    what: str
    how: str
    number: str


def lines(measured: Mapping[str, float]) -> Iterator[Line]:
    """Return every number of the page. `measured` is result by name, as `make bench` keeps it."""
    yield from _growth(measured)
    yield from _work(measured)
    yield from _keys()


def cell_lines(measured: Mapping[str, float]) -> Iterator[Line]:
    """Return what one cell carries, and what a move to another one costs."""
    costs = {part: _of(measured, COST.format(part)) for part in PARTS}
    whole, server = sum(costs.values()), costs["PostgreSQL"]
    shares = " + ".join(f"{part} {cost:.0f}" for part, cost in costs.items())
    machine, large = (
        cores * USED * 1000 / cost for cores, cost in ((NODE_CORES, whole), (SERVER_CORES, server))
    )
    ledger = SECTIONS * SCORES * _of(measured, "ledger after ten change syncs, bytes a score") / DISTRICTS
    yield Line("processor time of a sync with its requests", f"{shares} ms", f"{whole:.0f} ms")
    yield Line(
        "a cell on one machine",
        f"{NODE_CORES} cores, {USED:.0%} used ÷ {whole:.0f} ms",
        f"{machine:.0f} syncs/s",
    )
    yield Line("districts that it carries", *_carried(machine))
    yield Line(
        "a cell whose PostgreSQL has a machine of its own",
        f"{SERVER_CORES} cores, {USED:.0%} used ÷ {server:.0f} ms",
        f"{large:.0f} syncs/s",
    )
    yield Line("districts that it carries then", *_carried(large))
    yield Line("ledger of a district", f"of {DISTRICTS:,} that share the one below", _bytes(ledger))
    for sections in (USUAL, LARGE):
        rows, seconds = _of(measured, ROWS.format(sections)), _of(measured, REFUSED.format(sections))
        yield Line(
            f"a district of {sections:,} sections moves", f"{rows:,.0f} rows", f"paused for {seconds:.1f} s"
        )


def _carried(per_second: float) -> tuple[str, str]:
    """Return how many districts so many syncs are at the country's peak: never more than it has."""
    how = f"{DISTRICTS:,} districts x {per_second:.0f}/s ÷ {PEAK}"
    carried = DISTRICTS * per_second / SYNCS_PER_SECOND
    if carried > DISTRICTS:
        return f"{how} = {carried:,.0f}, more than there are", f"all {DISTRICTS:,}"
    return how, f"{carried:,.0f}"


def _growth(measured: Mapping[str, float]) -> Iterator[Line]:
    score = _of(measured, "ledger after ten change syncs, bytes a score")
    sync, outcome = _of(measured, "a settled sync, bytes"), _of(measured, "an outcome, bytes")
    key = _of(measured, "Redis, bytes a busy district")
    ledger = SECTIONS * SCORES * score
    syncs = SYNCS_PER_SECOND * BUSY_HOURS * 3600
    outcomes = syncs * (ROWS_PER_SYNC + SUMMARIES_PER_SYNC)
    hours, days = f"/s for {BUSY_HOURS} hours", f"{SCHOOL_DAYS} school days"
    summaries = f", and {SUMMARIES_PER_SYNC} summaries a sync"
    yield Line("ledger", f"{SECTIONS:,} sections x {SCORES} scores x {score:.0f} bytes", _bytes(ledger))
    yield Line("rows of the ledger", f"{SECTIONS:,} sections x 30 assignments", f"{SECTIONS * 30:,}")
    yield Line("syncs a day, at most", f"{SYNCS_PER_SECOND}{hours}", f"{syncs:,}")
    yield Line("outcomes a day, at most", f"{SCORES_PER_SECOND:,}{hours}{summaries}", f"{outcomes:,}")
    yield Line("syncs in 30 days", f"{days} x {sync:,.0f} bytes", _bytes(SCHOOL_DAYS * syncs * sync))
    kept = _bytes(SCHOOL_DAYS * outcomes * outcome)
    yield Line("outcomes in 30 days", f"{days} x {outcome:,.0f} bytes", kept)
    entry = _of(measured, "an entry of the audit log, bytes")
    logged = _bytes(YEAR_DAYS * syncs * entry)
    yield Line("audit log in a school year", f"{YEAR_DAYS} school days x {entry:,.0f} bytes", logged)
    yield Line("Redis", f"{DISTRICTS:,} districts, all busy x {key:,.0f} bytes", _bytes(DISTRICTS * key))


def _work(measured: Mapping[str, float]) -> Iterator[Line]:
    cpu = _of(measured, "processor time of the worker for a sync, ms")
    requests = _of(measured, COST.format("API"))
    cores, serving = _cores(SYNCS_PER_SECOND, cpu), _cores(SYNCS_PER_SECOND, requests)
    workers = max(ceil(SYNCS_PER_SECOND * SYNC_SECONDS / SYNCS_AT_ONCE), cores)
    burst = BURST_SCORES_PER_SECOND // ROWS_PER_SYNC
    late = 60 * burst // SYNCS_PER_SECOND // 60
    node = NODE_CORES * USED * 1000 / cpu
    capacity = f"{NODE_CORES} cores, {USED:.0%} used ÷ {cpu:.0f} ms"
    yield Line("a node that runs syncs alone", capacity, f"{node:.0f}/s")
    yield Line("such nodes", f"{PEAK} ÷ {node:.0f}/s", f"{ceil(SYNCS_PER_SECOND / node)}")
    yield Line("cores for workers", f"{PEAK} x {cpu:.0f} ms, {USED:.0%} used", f"{cores}")
    at_once = f"{PEAK} x {SYNC_SECONDS:g} s ÷ {SYNCS_AT_ONCE} syncs at once, one a core at least"
    yield Line("worker processes", at_once, f"{workers}")
    unqueued = f"{BURST_SCORES_PER_SECOND:,} scores/s = {burst} syncs/s with no queue at all"
    yield Line("the same for a burst", unqueued, f"{_cores(burst, cpu)}")
    minute = f"60 s x {burst} syncs ÷ {PEAK}"
    yield Line("a burst of a minute on the peak's workers", minute, f"{late} min until the last one starts")
    followed = f"{PEAK} x {requests:.0f} ms of a sync's requests, {USED:.0%} used"
    yield Line("API processes", followed, f"{serving}")
    yield from _postgresql(_of(measured, WAITING), workers + serving)


def _postgresql(waits: float, processes: int) -> Iterator[Line]:
    yield Line("connections to PostgreSQL", f"processes x {POOL}", f"{processes * POOL}")
    looking = f"{PEAK} x {waits:.0f} ms, where 10,000 districts wait at once"
    yield Line("PostgreSQL's cores to see who waits", looking, f"{SYNCS_PER_SECOND * waits / 1000:.1f}")
    yield Line("transactions of syncs", f"{PEAK} x {TRANSACTIONS}", f"{SYNCS_PER_SECOND * TRANSACTIONS}/s")
    commits = f"{PEAK} x {COMMITS}, and one for each request"
    yield Line("commits that wait for the disk", commits, f"{SYNCS_PER_SECOND * (COMMITS + 1)}/s")


def _keys() -> Iterator[Line]:
    rate, large = _syncs_per_second(KEY), _syncs_per_second(LARGE_KEY)
    yield Line("syncs of one district", _taken(KEY), f"{rate:.2f}/s")
    yield Line("the same where the key may do 50 calls in 5 s", _taken(LARGE_KEY), f"{large:.2f}/s")
    busy = f"{ceil(SYNCS_PER_SECOND / rate)}"
    yield Line("districts that must be busy", f"{PEAK} ÷ {rate:.2f}/s", busy)
    yield Line(
        f"{LARGE_DISTRICT:,} sections of one district, all at once",
        f"÷ {rate:.2f}/s, or ÷ {large:.2f}/s",
        f"{LARGE_DISTRICT / rate / 3600:.1f} h, or {LARGE_DISTRICT / large / 3600:.1f} h",
    )


def _cores(per_second: int, milliseconds: float) -> int:
    """Return the cores for so much work, of which only a share may be planned with."""
    return ceil(per_second * milliseconds / 1000 / USED)


def _syncs_per_second(key: RateLimit) -> float:
    return key.limit // SYNC_CALLS / key.window  # slots for part of a sync are of no use


def _taken(key: RateLimit) -> str:
    syncs = key.limit // SYNC_CALLS
    return f"{key.limit} calls in {key.window:.2f} s: {syncs} whole syncs of {SYNC_CALLS}"


def _of(measured: Mapping[str, float], what: str) -> float:
    """Return a measured figure, by the end of its name."""
    (found,) = (result for name, result in measured.items() if name.endswith(what))
    return found


def _bytes(number: float) -> str:
    return f"{number / GIGABYTE:,.0f} GB" if number >= GIGABYTE else f"{number / 1e6:,.0f} MB"
