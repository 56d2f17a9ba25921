"""Compare the numbers of a settled sync with every list that they head, in the API and its spreadsheet."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from harness.api import ApiClient

Json: TypeAlias = dict[str, Any]
KINDS = ("assignment", "score")
# What only shares the fate of its assignment.
SHARED = frozenset({"assignment-failed", "assignment-skipped"})
STOPPED = frozenset({"skipped", "failed"})


async def read_pages(who: ApiClient, path: str, **query: Any) -> list[Json]:
    """Read every page of a list."""
    pages: list[Json] = []
    while path:
        response = await who.get(path, **query)
        assert response.status_code == 200, response.text
        pages.append(response.json())
        path, query = response.links.get("next", {}).get("url", ""), {}
    return pages


async def read_items(who: ApiClient, path: str, **query: Any) -> list[Json]:
    return [item for page in await read_pages(who, path, **query) for item in page["items"]]


@dataclass(frozen=True)
class Lists:
    """Hold everything that is listed about one sync."""

    outcomes: Sequence[Json]
    sheet: Sequence[Mapping[str, str]]
    summaries: Sequence[Json]
    reasons: Sequence[Json]
    gradebook: Sequence[Json]
    log: Sequence[Json]


async def read_lists(who: ApiClient, section_path: str, sync: Json) -> Lists:
    path = sync["links"]["self"]
    sheet = await who.ask("GET", sync["links"]["outcomes"], headers={"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(sheet.content.decode("utf-8-sig"), newline="")))
    return Lists(
        outcomes=await read_items(who, sync["links"]["outcomes"], limit=50),
        sheet=rows,
        summaries=await read_items(who, f"{path}/assignments"),
        reasons=(await who.get(f"{path}/reasons")).json()["items"],
        gradebook=await read_pages(who, f"{path}/gradebook"),
        log=await read_items(who, f"{section_path}/syncs"),
    )


def find_mismatches(sync: Json, lists: Lists) -> list[str]:
    """Return each number of a sync that isn't that of its list, as a sentence."""
    return [
        *_compare_counts(sync, lists),
        *_compare_attention(sync, lists),
        *_compare_reasons(lists),
        *_compare_guard(sync, lists),
        *_compare_picture(lists),
        *_compare_log(sync, lists),
    ]


def _differ(what: str, numbers: Mapping[str, object]) -> Iterable[str]:
    if len({str(number) for number in numbers.values()}) > 1:
        yield f"{what}: {numbers}"


def _compare_counts(sync: Json, lists: Lists) -> Iterable[str]:
    for kind in KINDS:
        for result, number in sync[f"{kind}s"].items():
            numbers = {
                "sync": number,
                "outcomes": _count(
                    row for row in lists.outcomes if row["kind"] == kind and result in {row["result"], "read"}
                ),
                "sheet": _count_lines(
                    lists, kind, lambda line, result=result: result in {line["result code"], "read"}
                ),
                "summaries": sum(summary[f"{kind}s"][result] for summary in lists.summaries),
            }
            yield from _differ(f"{kind}s {result}", numbers)
    stopped = bool(sync["error"] or (sync["guard"] and sync["guard"]["explanation"]))
    yield from _differ("lines", {"outcomes": len(lists.outcomes) + stopped, "sheet": len(lists.sheet)})


def _count(rows: Iterable[Json]) -> int:
    return sum(row["count"] for row in rows)


def _count_lines(lists: Lists, kind: str, chosen: Any) -> int:
    lines = [line for line in lists.sheet if line["kind"] == kind.capitalize()]
    return sum(int(line["count"]) for line in lines if chosen(line))


def _codes(row: Json) -> list[str]:
    """Return the codes for which an outcome needs attention."""
    stopped = [row["reason"]] if row["reason"] and row["result"] in STOPPED else []
    return [each["code"] for each in (*stopped, *row["warnings"]) if each["needs_attention"]]


def _compare_attention(sync: Json, lists: Lists) -> Iterable[str]:
    needing = [row for row in lists.outcomes if _codes(row)]
    for kind in KINDS:
        summaries = (
            sum(summary["attention"] for summary in lists.summaries)
            if kind == "score"
            else _count(row for row in needing if row["kind"] == kind)  # summaries hold their own outcome
        )
        numbers = {
            "sync": sync["attention"][f"{kind}s"],
            "outcomes": _count(row for row in needing if row["kind"] == kind),
            "sheet": _count_lines(lists, kind, lambda line: line["needs attention"] == "Yes"),
            "summaries": summaries,
        }
        yield from _differ(f"{kind}s that need attention", numbers)
    number = sum(sync["attention"].values())
    if sync["result"] == "needs-attention" and number:
        words = {line["sync result"].split()[0] for line in lists.sheet}
        yield from _differ("sync result", {"sync": f"{number:,}", "sheet": " ".join(words)})


def _compare_reasons(lists: Lists) -> Iterable[str]:
    """Compare each reason with the outcomes that have it, and with what is listed under it."""
    listed: Counter[tuple[str, bool, str]] = Counter()
    for row in lists.outcomes:
        if row["reason"] and row["reason"]["code"] not in SHARED:
            listed[row["reason"]["code"], False, row["kind"]] += row["count"]
        for warning in row["warnings"]:
            listed[warning["code"], True, row["kind"]] += row["count"]
    shown = Counter(
        {
            (group["reason"]["code"], group["warning"], kind): group[f"{kind}s"]
            for group in lists.reasons
            for kind in KINDS
            if group[f"{kind}s"]
        }
    )
    yield from _differ("reasons", {"outcomes": sorted(listed.items()), "reasons": sorted(shown.items())})
    for group in lists.reasons:
        for kind in KINDS:
            concerned = sum(each[f"{kind}s"] for each in group["concerned"])
            yield from _differ(group["reason"]["code"], {"reason": group[f"{kind}s"], "concerned": concerned})


def _compare_guard(sync: Json, lists: Lists) -> Iterable[str]:
    """Compare what a guard counts with what is listed as cleared."""
    if sync["result"] != "stopped-for-review" or sync["guard"]["danger"] != "scores":
        return
    clears = sum(summary["clears"] for summary in lists.summaries)
    yield from _differ("cleared", {"guard": sync["guard"]["cleared"], "summaries": clears})


def _compare_picture(lists: Lists) -> Iterable[str]:
    """Compare the cells that need attention with the outcomes; those of earlier syncs are in it too."""
    cells: dict[tuple[str, str], str] = {}
    for page in lists.gradebook:
        for column in page["items"]:
            for student, letter in zip(page["students"], column["cells"], strict=True):
                cells[column["assignment"]["id"], student["id"]] = letter
    for row in lists.outcomes:
        if row["kind"] != "score" or row["student"] is None:
            continue
        code = row["reason"]["code"] if row["reason"] else None
        letter = cells[row["assignment"]["id"], row["student"]["id"]]
        needs = bool(_codes(row)) and code != "not-attempted"
        if needs != (letter in "ae") and code not in SHARED:
            yield f"a score that is {letter} in the picture: {row['result']} {_codes(row)} {code}"


def _compare_log(sync: Json, lists: Lists) -> Iterable[str]:
    if sync["dry_run"]:
        return
    (line,) = [each for each in lists.log if each["id"] == sync["id"]]
    names = ("status", "result", "attention", "assignments", "scores", "warnings", "guard")
    yield from _differ("log", {"log": [line[name] for name in names], "sync": [sync[name] for name in names]})
