"""Define the command `demo`: start everything with an invented district, and watch it sync."""

import signal
from typing import Annotated, Literal, NoReturn

import typer

from gradesync.cli.output import out
from gradesync.cli.servers import Host


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End by itself.")] = False,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the API; 0 takes a free one.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same district.")] = 7,
    sections: Annotated[int, typer.Option(min=1, max=500)] = 3,
    sis: Annotated[
        Literal["powerschool", "oneroster"], typer.Option(help="How the invented SIS takes grades.")
    ] = "powerschool",
) -> None:
    """Start everything with an invented district, and watch a first sync and one of changes."""
    from gradesync.cli.demo.installation import Installation, start_all
    from gradesync.cli.demo.walkthrough import walk_through

    def wait(demo: Installation) -> NoReturn:
        out.rule("Everything stays open until Ctrl-C")
        out.print(f"  The teacher's page             {demo.course}", soft_wrap=True)
        out.print(f"  The district's console         {demo.console}", soft_wrap=True)
        out.print(f"  The API, with its description  {demo.url}/docs")
        out.print(f"  The district's people          {demo.sandbox['control_url']}/docs")
        out.print(
            f"  A client that reads the log    {demo.office[0]}  secret {demo.office[1]}", soft_wrap=True
        )
        while True:
            signal.pause()

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with start_all(host, port, seed=seed, sections=sections, sis=sis) as demo:
            walk_through(demo)
            if not once:
                wait(demo)
    except KeyboardInterrupt:
        out.print("[dim]Ended.[/]")
