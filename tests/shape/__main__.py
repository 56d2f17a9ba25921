"""Print, for `make shape`, the structure of the code, its sizes, its words, and what a sync calls of it."""

import asyncio
from collections.abc import Iterator

from bench.environment import servers
from harness.servers import Urls
from shape import sources
from shape.calls import Calls, record_syncs

LONGEST = 5


def main() -> None:
    for title, lines in {
        "Structure": structure(),
        "Files": file_sizes(),
        "Functions": function_sizes(),
        "Docstrings": words(),
        "A sync calls": syncs(),
    }.items():
        print(title, *(f"  {line}" for line in lines), "", sep="\n")  # noqa: T201 - what it is for


def structure() -> Iterator[str]:
    loose = sources.loose_modules()
    yield f"{len(loose)} loose modules: {', '.join(loose)}"
    for folder in sorted(path.parent for path in sources.PACKAGE.glob("*/__init__.py")):
        files = sources.python_files(folder)
        yield f"{folder.name:14} {len(files):3} files {sum(map(sources.count_lines, files)):6} lines"


def file_sizes() -> Iterator[str]:
    for tree in sources.TREES:
        sizes = {path: sources.count_lines(path) for path in sources.python_files(sources.ROOT / tree)}
        yield f"{tree}: {len(sizes)} files, {sum(sizes.values())} lines; the longest:"
        for path in sorted(sizes, key=sizes.__getitem__, reverse=True)[:LONGEST]:
            yield f"  {sizes[path]:4} {path.relative_to(sources.ROOT)}"


def function_sizes() -> Iterator[str]:
    found = sources.functions(sources.python_files(sources.PACKAGE))
    spread = sources.measure_spread(found)
    yield f"{len(found)} functions; lines: median {spread.median:g}, p95 {spread.p95:g}, max {spread.largest}"
    for function in sorted(found, key=lambda each: each.lines, reverse=True)[:LONGEST]:
        where = f"{function.path.relative_to(sources.ROOT)}:{function.line}"
        yield f"  {function.lines:4} {where} {function.name}"


def words() -> Iterator[str]:
    for tree in sources.TREES:
        found = sources.docstrings(sources.python_files(sources.ROOT / tree))
        questions = sum(map(sources.opens_with_a_question, found))
        speech = sum(map(sources.speaks, found))
        yield f"{tree}: {len(found)} docstrings"
        yield f"  {questions / len(found):6.1%} begin with {', '.join(sources.OPENINGS[:5])} …: {questions}"
        yield f"  {speech / len(found):6.1%} say tell, told, said or say: {speech}"
        common = sources.first_words(found).most_common(10)
        yield "  first words: " + ", ".join(f"{word} {count}" for word, count in common)


def syncs() -> Iterator[str]:
    with servers() as settings:
        first, unchanged = asyncio.run(record_syncs(settings, Urls.from_settings(settings)))
    yield f"first sync:     {counted(first)}"
    yield f"unchanged sync: {counted(unchanged)}"


def counted(calls: Calls) -> str:
    return f"{len(calls.files)} files, {len(calls.functions)} functions"


if __name__ == "__main__":
    main()
