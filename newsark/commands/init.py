"""`newsark init`: an archive home."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from newsark.console import err, say, say_line
from newsark.options import ContactOption
from newsark.proofs import signing_passphrase
from newsark.settings import FILE, load_settings
from newsark.settingsfile import commented_file
from storage.errors import BadSetting, WrongUse

KEY_FILE = "newsark.key"
QUESTION = "Who can newsrooms write to? An e-mail address or a URL, or nothing"


def init(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", show_default=False, help="Where; the current directory without it.")
    ] = Path(),
    contact: ContactOption = None,
    operator: Annotated[str | None, typer.Option("--operator", metavar="WHO", help="Who runs this archive.")] = None,
    sign: Annotated[bool, typer.Option("--sign", help="Make a key that signs the archive's manifests.")] = False,
) -> None:
    """Make an archive home: newsark.toml and a commented example source."""
    settings = directory / FILE
    if settings.exists():
        if not sign or contact is not None or operator is not None:
            raise WrongUse(f"{settings} is there already; edit it, or name another directory")
        _add_key(directory)
        return
    load_settings(directory, {"contact": contact, "operator": operator})
    if contact is None and sys.stdin is not None and sys.stdin.isatty():
        contact = _ask()
    example = directory / "sources" / "_example.toml"
    try:
        example.parent.mkdir(parents=True, exist_ok=True)
        key = _make_key(directory) if sign else None
        settings.write_text(commented_file(contact, operator, key), encoding="utf-8")
        example.write_text(_example(), encoding="utf-8")
    except OSError as problem:
        raise WrongUse(f"{problem.filename or directory}: {problem.strerror}; name another directory") from problem
    say_line(f"Made {settings} and {example}")
    if not contact:
        say("No contact is set. Newsrooms want to know who visits: set `contact` before you crawl.", "yellow")
    place = "" if directory == Path() else f"cd {shlex.quote(str(directory))} && "
    say(f"Next: {place}newsark sources add https://…  then  newsark crawl")


def _add_key(directory: Path) -> None:
    """Make a key for a home that is there already; its newsark.toml is its owner's, who adds the line."""
    named = load_settings(directory, {}).signing_key
    if named is not None:
        raise WrongUse(
            f"{directory / FILE} names a signing key already: {named}; docs/operations.md has how to change it"
        )
    try:
        key = _make_key(directory)
    except OSError as problem:
        raise WrongUse(f"{problem.filename or directory}: {problem.strerror}") from problem
    say_line(f'To sign from now on, add to {directory / FILE}: signing_key = "{key}"')


def _make_key(directory: Path) -> str:
    """The name of a new key file in the directory, whose id is shown."""
    from storage.vouching.signing import make_signing_key

    path = directory / KEY_FILE
    signer = make_signing_key(path, signing_passphrase())
    say_line(f"Made {path}, key id {signer.key_id}")
    say("Keep a copy of the key apart from the archive, and publish its id: it is what others trust.", "yellow")
    return KEY_FILE


def _ask() -> str | None:
    """The contact that somebody types, or None; asked again until it is one."""
    while True:
        answer = str(typer.prompt(QUESTION, default="", show_default=False)).strip()
        try:
            load_settings(Path(), {"contact": answer or None})
        except BadSetting as problem:
            say(f"It {problem.problem}.", "yellow", to=err)
        else:
            return answer or None


def _example() -> str:
    from crawler.source import dump_source, source_for_url

    head = (
        "# An example. Files that begin with an underscore are not read; copy it, or use: newsark sources add URL\n\n"
    )
    return head + dump_source(source_for_url("https://news.example.org/"))
