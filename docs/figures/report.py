"""The two pages of docs/reports.md: the report of the patient whom the tests of the report are about.

python docs/figures/report.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pypdfium2
from PIL import Image

from gateway.service.exchange.report.build import build
from gateway.service.exchange.report.gather import gather
from gateway.service.exchange.report.pdf import to_pdf
from tests.integration.exchange import scene

HERE = Path(__file__)


def main() -> None:
    """Write report-1.png and report-2.png beside this file."""
    with tempfile.TemporaryDirectory() as folder, scene.practice(Path(folder)) as practice:
        period = (scene.FIRST, scene.LAST)
        facts = gather(practice.records, practice.store, practice.patient, period, now_ms=scene.NOW_MS)
        document = pypdfium2.PdfDocument(to_pdf(build(facts)))
    for number in range(len(document)):
        page = document[number].render(scale=1.4).to_pil()
        few = page.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)
        few.save(HERE.with_name(f"report-{number + 1}.png"), optimize=True)
    document.close()


if __name__ == "__main__":
    main()
