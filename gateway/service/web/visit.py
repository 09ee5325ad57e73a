"""What the router found out about a request for a page, for whoever builds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.service.web.context import PageContext, Site
from gateway.service.web.failure import Failure
from gateway.service.web.registry import Page


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page by somebody who is signed in.

    Attributes
    ----------
    page : Page or None
        None: there is none at that path.
    ids : mapping of str to str
        What stands in the path.
    failure : Failure or None
        What is told instead of the page.
    """

    site: Site
    at: PageContext
    page: Page | None
    ids: Mapping[str, str]
    failure: Failure | None = None
