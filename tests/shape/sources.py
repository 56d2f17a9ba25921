"""Measure source files: their modules, their functions, and how their docstrings begin."""

import ast
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "gradesync"
TREES = ("src", "tests")
OPENINGS = ("What", "Whether", "Where", "Who", "How", "Whoever", "Whose", "Whom")
# Words that begin a sentence without its verb.
LEADS = (
    "The",
    "A",
    "An",
    "If",
    "Only",
    "One",
    "Each",
    "Every",
    "This",
    "It",
    "Of",
    "With",
    "After",
    "Raised",
)
OTHER_SUFFIXES = {".sql", ".pml", ".h", ".html", ".mako", ".toml", ".yaml", ".cfg", ".example"}
SPEECH = ("tell", "tells", "told", "telling", "said", "say", "says", "saying")
OLD_WORDS = (
    *(
        "foretell",
        "foretells",
        "foretold",
        "untold",
        "hands",
        "bell",
        "bells",
        "ear",
        "ears",
        "door",
        "doors",
    ),
    *(
        "mould",
        "placing",
        "mishap",
        "mishaps",
        "onlooker",
        "onlookers",
        "parcel",
        "parcels",
        "strays",
        "theatre",
    ),
)
"""List words of which the field has better ones: a forecast, a pool, a wake-up, a fault, an orphan."""

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Function:
    """Describe a function or method, with its file and its lines from `def` to its end."""

    path: Path
    line: int
    name: str
    lines: int


@dataclass(frozen=True)
class Docstring:
    path: Path
    line: int
    text: str

    @property
    def words(self) -> list[str]:
        return ["".join(filter(str.isalpha, word)) for word in self.text.split()]


@dataclass(frozen=True)
class Spread:
    """Summarize the lines of functions."""

    median: float
    p95: float
    largest: int


def python_files(*folders: Path) -> list[Path]:
    """Return every Python file below the folders, in order."""
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def all_files() -> list[Path]:
    """Return every Python file of the sources and the tests."""
    return python_files(*(ROOT / tree for tree in TREES))


def page_files() -> list[Path]:
    """Return the scripts and styles of the teacher's page and of the console."""
    return sorted(path for path in (PACKAGE / "lti" / "assets").rglob("*") if path.suffix in {".css", ".js"})


def other_sources() -> list[Path]:
    """Return what is neither Python nor a page: SQL, the model, templates, manifests, the Makefile."""
    found = [path for tree in (*TREES, "deploy") for path in (ROOT / tree).rglob("*")]
    return sorted([ROOT / "Makefile", *(path for path in found if path.suffix in OTHER_SUFFIXES)])


def loose_modules() -> list[str]:
    """Return the names of the modules that lie in no package of gradesync."""
    return sorted(path.stem for path in PACKAGE.glob("*.py"))


def count_lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def functions(paths: Iterable[Path]) -> list[Function]:
    return [
        Function(path, node.lineno, node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def measure_spread(measured: Iterable[Function]) -> Spread:
    lines = [function.lines for function in measured]
    return Spread(median(lines), quantiles(lines, n=20)[-1], max(lines))


def docstrings(paths: Iterable[Path]) -> list[Docstring]:
    """Return the docstrings of modules, classes, functions and constants."""
    return [
        Docstring(path, line, text)
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, Documented)
        for line, text in _texts(node)
    ]


def _texts(node: Documented) -> Iterator[tuple[int, str]]:
    for statement in node.body:
        match statement:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield statement.lineno, text


def opens_with_a_question(docstring: Docstring) -> bool:
    return bool(docstring.words) and docstring.words[0] in OPENINGS


def opens_with_a_verb(docstring: Docstring) -> bool:
    """Decide whether a docstring may open with a verb: no question, no article, no name of an argument."""
    return docstring.text[:1].isupper() and docstring.words[0] not in (*OPENINGS, *LEADS)


def speaks(docstring: Docstring) -> bool:
    """Decide whether a docstring uses one of `SPEECH`."""
    return any(word.lower() in SPEECH for word in docstring.words)


def old_words_of_code(paths: Iterable[Path]) -> list[tuple[str, int, str]]:
    """Return file, line and word of each old word, or one of `SPEECH`, in a name, comment or docstring."""
    pattern = _pattern(*OLD_WORDS, *SPEECH)
    return [
        (str(path.relative_to(ROOT)), token.start[0], match[0])
        for path in paths
        if pattern.search(path.read_text())
        for token in _tokens(path)
        if token.type in {tokenize.NAME, tokenize.COMMENT} or token.string.startswith('"""')
        for match in pattern.finditer(token.string)
    ]


def old_words_of_text(paths: Iterable[Path], *further: str) -> list[tuple[str, str]]:
    """Return file and word of each old word, or further word, anywhere in it."""
    pattern = _pattern(*OLD_WORDS, *further)
    return [
        (str(path.relative_to(ROOT)), match[0])
        for path in paths
        for match in pattern.finditer(path.read_text())
    ]


def _pattern(*words: str) -> re.Pattern[str]:
    """Match the words in text, in names with underscores and in names with capitals."""
    lower, capital, upper = (
        "|".join(map(change, words)) for change in (str.lower, str.capitalize, str.upper)
    )
    return re.compile(
        rf"(?<![A-Za-z])(?:{lower})(?![a-z])|(?:{capital})(?![a-z])|(?<![A-Za-z])(?:{upper})(?![A-Za-z])"
    )


def _tokens(path: Path) -> list[tokenize.TokenInfo]:
    with path.open("rb") as file:
        return list(tokenize.tokenize(file.readline))


def first_words(found: Iterable[Docstring]) -> Counter[str]:
    return Counter(docstring.words[0] for docstring in found if docstring.words)
