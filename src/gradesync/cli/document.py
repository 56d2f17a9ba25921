"""Define the command `openapi`: print, write or check the API's description."""

import json
from difflib import unified_diff
from pathlib import Path
from typing import Annotated

import typer

from gradesync.cli.output import CommandError


def openapi(
    write: Annotated[Path | None, typer.Option(help="Write it to this file.", metavar="FILE")] = None,
    check: Annotated[Path | None, typer.Option(help="Compare it with this file.", metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON instead of YAML.")] = False,
) -> None:
    """Print the API's description (OpenAPI 3.1)."""
    from gradesync.api.app import openapi_document

    document = openapi_document()
    text = json.dumps(document, indent=2) + "\n" if as_json else _yaml(document)
    if check is not None:
        _compare(check, text)
    elif write is not None:
        write.write_text(text)
    else:
        typer.echo(text, nl=False)


def _yaml(document: dict[str, object]) -> str:
    try:
        import yaml
    except ImportError:
        raise CommandError("PyYAML is not installed.", "Install it, or use --json.") from None
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def _compare(file: Path, text: str) -> None:
    written = file.read_text() if file.exists() else ""
    if written != text:
        changes = unified_diff(
            written.splitlines(), text.splitlines(), str(file), "the code", lineterm="", n=1
        )
        typer.echo("\n".join(changes))
        raise CommandError(
            f"{file} does not match the code.", "Run `make openapi`, and look at what changed."
        )
