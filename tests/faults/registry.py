"""Which function answers which path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.faults.wire import Wire

Answer = Callable[[Wire], Awaitable[None]]

ANSWERS: dict[str, Answer] = {}
"""By path; a path that ends with a slash answers for everything below it."""


def answers(path: str) -> Callable[[Answer], Answer]:
    """Decorator: the function answers that path."""

    def register(answer: Answer) -> Answer:
        ANSWERS[path] = answer
        return answer

    return register


def find_answer(path: str) -> Answer | None:
    """The function for a path: the exact one first, then the one for the folder it is in."""
    exact = ANSWERS.get(path)
    if exact is not None:
        return exact
    folders = (name for name in ANSWERS if name.endswith("/") and name != "/" and path.startswith(name))
    return next((ANSWERS[name] for name in folders), None)
