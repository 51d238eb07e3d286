"""Questions on a terminal, or answers from a pipe. Plain lines without colour and cursor keys."""

from __future__ import annotations

import getpass
import sys

from edge_lpr.cameras.stream import redact_url
from edge_lpr.errors import InputError


def ask(question: str, default: str = "", *, shown: str | None = None) -> str:
    """Returns the answer without spaces around it; ``default`` for an empty one.

    ``shown`` replaces the default in the prompt, where the default holds a secret. Raises InputError at the end of the
    input.
    """
    hint = default if shown is None else shown
    answer = _line(f"{question} [{hint}]: " if hint else f"{question}: ").strip()
    return answer or default


def ask_yes(question: str, *, default: bool) -> bool:
    """Asks until the answer is yes or no. Raises InputError at the end of the input."""
    while True:
        answer = ask(f"{question} ({'Y/n' if default else 'y/N'})").lower()
        if not answer:
            return default
        if answer in ("y", "yes", "n", "no"):
            return answer[0] == "y"
        print("  y or n, please")


def ask_secret(question: str) -> str:
    """Returns a secret, which is not shown; it may be empty. Raises InputError at the end of the input."""
    # getpass would read the terminal even if the answers come from a pipe.
    if sys.stdin.isatty():
        try:
            return getpass.getpass(f"{question}: ")
        except EOFError as error:
            raise _over() from error
    print(f"{question}: ", end="", flush=True)
    answer = _read()
    print("***" if answer else "")
    return answer


def _line(prompt: str) -> str:
    print(prompt, end="", flush=True)
    answer = _read()
    if not sys.stdin.isatty():
        print(redact_url(answer))  # a terminal shows what is typed; the log of a pipe does not
    return answer


def _read() -> str:
    try:
        line = sys.stdin.readline()
    except UnicodeDecodeError as error:
        raise InputError("the answer is not UTF-8 text; nothing was written") from error
    if not line:
        print()
        raise _over()
    return line.rstrip("\r\n")


def _over() -> InputError:
    return InputError("the input ended before the last question; nothing was written")
