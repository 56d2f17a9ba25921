"""Print how well the advice before sending finds mistakes, and how often ordinary classes get some."""

from collections import Counter

from harness.sanity_books import ADVICE, find_advice

ORDINARY, PLANTED = 1000, 200


def measure(ordinary: int = ORDINARY, planted: int = PLANTED) -> tuple[list[tuple[str, float, float]], int]:
    """Return precision and recall of each advice, and the number of ordinary classes that are warned of.

    A warning of another kind than the one that was planted counts against its precision, and so does one of
    an ordinary class.
    """
    given, right = Counter[str](), Counter[str]()
    for number, reason in enumerate(ADVICE):
        for seed in range(planted):
            found = find_advice(10_000 * (number + 1) + seed, reason)
            given.update(found)
            right[reason] += reason in found
    alarms = 0
    for seed in range(ordinary):
        found = find_advice(seed, None)
        given.update(found)
        alarms += bool(found)
    rows = [
        (reason.value, right[reason] / (given[reason] or 1), right[reason] / planted) for reason in ADVICE
    ]
    return rows, alarms


def table(rows: list[tuple[str, float, float]], alarms: int, ordinary: int) -> str:
    """Return the figures as a table in Markdown."""
    lines = ["| advice | precision | recall |", "|---|---|---|"]
    lines += [f"| `{name}` | {100 * right:.1f} % | {100 * found:.1f} % |" for name, right, found in rows]
    return "\n".join([*lines, "", f"Ordinary classes with a warning: {alarms} of {ordinary:,}."])


if __name__ == "__main__":
    rows, alarms = measure()
    print(table(rows, alarms, ORDINARY))  # noqa: T201
