"""The pages there are: each says its path, and what it takes, as `ROUTE_RULES` does for the API's routes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from starlette.routing import compile_path

from gateway.service.access import Action
from gateway.service.access.gate import Target

if TYPE_CHECKING:
    pass

Build = Callable[..., Awaitable[None] | None]
"""Fills a page: takes its `PageContext` and what stands in the path, as text. It may be a coroutine function."""

_B = TypeVar("_B", bound=Build)


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes
    ----------
    path : str
        With names in braces, such as ``/patients/{patient}``.
    action, target
        What the gate is asked for before the page is built. Ids are those in the path, and `clinic` the user's own.
    """

    path: str
    action: Action
    target: Target
    build: Build
    pattern: re.Pattern[str]


PAGES: Final[dict[str, Page]] = {}
"""By path, in the order in which they were registered."""


def page(path: str, action: Action, target: Target) -> Callable[[_B], _B]:
    """Register the decorated function as a page.

    Raises
    ------
    ValueError
        If there is a page at that path.
    """

    def register(build: _B) -> _B:
        if path in PAGES and PAGES[path].build is not build:
            raise ValueError(f"there are two pages at {path}")
        PAGES[path] = Page(path, action, target, build, compile_path(path)[0])
        return build

    return register


def find(path: str) -> tuple[Page, Mapping[str, str]] | None:
    """The page at a path and what stands in it, as it was given and so maybe nonsense; None if there is none."""
    for one in PAGES.values():
        match = one.pattern.match(path)
        if match:
            return one, match.groupdict()
    return None
