"""The report as PDF, set by typst from `report.typ`; text can be searched and copied."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import matplotlib as mpl
import typst

from gateway.service.exchange.report import wording
from gateway.service.exchange.report.figures import calendar_svg, night_svg, trend_svg
from gateway.service.exchange.report.values import Report
from gateway.service.exchange.report.wording import Row
from gateway.service.exchange.wording import number_text

_FONTS: Final = str(Path(mpl.get_data_path()) / "fonts" / "ttf")
"""The letters of the figures, which come with matplotlib: a report looks the same on every machine."""
_UNIT: Final = re.compile(r"([0-9]) (%|/h|h|mm|nights?)(?![a-z])")


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, font_paths=[_FONTS])


def to_pdf(report: Report, *, identified: bool = False) -> bytes:
    """Set the report.

    Parameters
    ----------
    identified
        Whether the name on record stands beside the opaque id.
    """
    pictures = {"trend": trend_svg(report), "calendar": calendar_svg(report), "night": night_svg(report)}
    drawn = {name: picture.decode() for name, picture in pictures.items() if picture is not None}
    return typst.compile(
        files(__package__).joinpath("report.typ").read_bytes(),
        sys_inputs={"report": _unbroken(json.dumps(_told(report, identified), ensure_ascii=False)), **drawn},
        font_paths=_fonts(),
        timestamp=report.facts.now_ms // 1000,
    )


def _unbroken(text: str) -> str:
    """Keep a number and its unit on one line."""
    return _UNIT.sub("\\1\u00a0\\2", text.replace("% min/h", "%\u00a0min/h"))


def _told(report: Report, identified: bool) -> dict[str, object]:
    """What the template shows, in strings alone: nothing of it is read as markup."""
    facts = report.facts
    zone = facts.patient.zone
    return {
        "patient": f"{facts.patient.name} ({facts.patient.id})" if identified else facts.patient.id,
        "clinic": facts.clinic,
        "period": f"{facts.first.isoformat()} to {facts.last.isoformat()}",
        "made": f"{wording.moment(facts.now_ms, zone)} ({zone})",
        "provisional": report.provisional,
        "no_diagnosis": wording.NO_DIAGNOSIS,
        "none": wording.NONE,
        "wear": _rows(wording.wear_rows(report.wear)),
        "response": _rows(wording.response_rows(report)),
        "steps": _rows(wording.step_rows(report)),
        "side_effects": _rows(wording.side_effect_rows(report)),
        "follow_ups": _rows(wording.follow_up_rows(report)),
        "devices": _rows(wording.device_rows(report)),
        "times": _rows(wording.time_rows(report)),
        "sentences": list(wording.sentences(report)),
        "quality": list(report.quality),
        "night": _night(report),
    }


def _rows(rows: Sequence[Row]) -> list[list[str]]:
    return [[row.label, row.value, row.remark] for row in rows]


def _night(report: Report) -> dict[str, object] | None:
    trace = report.facts.trace
    if trace is None:
        return None
    indices = {name: value for name, value in trace.result.indices.items() if value is not None}
    rows = [
        ("Valid SpO2", f"{trace.result.valid_s / 3600:.1f} h"),
        *((label, _number(indices.get(name), unit)) for label, name, unit in _NIGHT),
        ("Desaturations", str(len(trace.desaturations))),
    ]
    return {
        "title": f"Night of {trace.result.night.isoformat()}, {trace.result.device}",
        "rows": [[label, value] for label, value in rows],
        "state": trace.result.state.value,
        "profile": f"{trace.result.profile} {trace.result.version}",
    }


_NIGHT: Final = (
    ("ODI3", "odi3", "/h"),
    ("ODI4", "odi4", "/h"),
    ("T90", "t90_pct", "%"),
    ("Mean SpO2", "mean_spo2", "%"),
    ("Lowest SpO2", "min_spo2", "%"),
    ("Hypoxic burden", "hypoxic_burden", "% min/h"),
)


def _number(value: float | None, unit: str) -> str:
    return wording.NONE if value is None else f"{number_text(value, 1)} {unit}"
