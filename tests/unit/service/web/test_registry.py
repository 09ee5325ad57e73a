"""The pages there are."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.web.registry import PAGES, find, page


def test_a_page_is_found_by_its_path_and_two_cannot_be_at_one() -> None:
    @page("/things/{thing}/parts/{part}", Action.OWN_ACCOUNT, Target.SERVICE)
    def build(at: object, thing: str, part: str) -> None:
        pass

    try:
        found = find("/things/a-1/parts/%00")
        assert found is not None
        assert (found[0].build, dict(found[1])) == (build, {"thing": "a-1", "part": "%00"})
        for path in ("/things/a/parts", "/things/a/b/parts/c", "/things/a/parts/c/", "/thing/a/parts/c"):
            assert find(path) is None
        with pytest.raises(ValueError, match="two pages"):
            page("/things/{thing}/parts/{part}", Action.OWN_ACCOUNT, Target.SERVICE)(lambda at: None)
    finally:
        del PAGES["/things/{thing}/parts/{part}"]


def test_the_service_is_imported_without_nicegui() -> None:
    program = "import sys, gateway.service.app; print('nicegui' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert found.stdout.strip() == "False", found.stderr
