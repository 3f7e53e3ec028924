"""`newsark alerts`: whether those who are to be told can be reached."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from newsark.console import say
from newsark.home import Home
from newsark.options import PlainCommand, PlainGroup
from newsark.settings import FILE
from storage.errors import BadSetting

app = typer.Typer(cls=PlainGroup, no_args_is_help=True, help="Who is told when something happens.")


@app.command("test", cls=PlainCommand)
def send_test(
    words: Annotated[str, typer.Option("--text", metavar="WORDS", help="What the message says.")] = (
        "This is a test: alerts of Newsark arrive here."
    ),
) -> None:
    """Send a message to every address in alert_to, and say which of them failed.

    Exit code 0 when all were reached, 1 when one was not.
    """
    from newsark.alerting import messenger

    sender = messenger(Home.here())
    if sender is None:
        example = 'alert_to = ["mailto://user:password@example.org"]'
        problem = f"is empty, so that nobody would be told; write, for example, {example}"
        raise BadSetting(FILE, "alert_to", problem)
    logging.getLogger("apprise").setLevel(logging.WARNING)
    failed = 0
    for number, service in enumerate(sender, 1):
        is_sent = bool(service.notify(body=words, title="Newsark: a test"))
        failed += not is_sent
        # apprise says no type here; what follows the question mark are settings nobody made
        place = str(service.url(privacy=True)).partition("?")[0]  # type: ignore[no-untyped-call]  # apprise publishes no types for it
        say(f"{number}. {'sent' if is_sent else 'not sent'}: {place}", "green" if is_sent else "red")
    say(f"{len(sender) - failed} of {len(sender)} reached.")
    raise typer.Exit(1 if failed else 0)
