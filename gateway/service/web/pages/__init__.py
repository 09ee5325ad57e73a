"""One module a page, or a few that belong together; each registers what it has with `gateway.service.web.page`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules


def load() -> None:
    """Import every module here, so that its pages are registered."""
    for module in iter_modules(__path__, f"{__name__}."):
        import_module(module.name)
