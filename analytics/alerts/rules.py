"""The rules as data: what each watches, its thresholds with defaults and limits, its severities and its words.

Sources of the defaults: SpO2 <= 88 % for five minutes is the payers' nocturnal oxygen criterion (CMS, NCD 240.2); a
fall of the index by half is the customary response criterion for oral appliances (Sutherland et al. 2014, J Clin Sleep
Med 10:215); four hours on five nights a week is the regular user of adherence studies. The others are the house's own
and are there to be changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from analytics.alerts.findings import Values

Severity = Literal["info", "warning", "urgent"]
Scope = Literal["patient", "device", "gateway"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A threshold: its default and the range within which a clinic may set it."""

    default: float
    least: float
    most: float
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is watched.

    Attributes
    ----------
    scope : str
        Whose condition it is; there is one alert a rule and subject.
    severities : tuple
        By grade, the last for every grade above.
    sentence : str
        For people, filled with the evidence's values; it names nobody.
    needs : str
        What data it takes; without them it says nothing.
    parameters : mapping
        By name. `enabled` (0 or 1) and `escalate_min` are every rule's.
    """

    name: str
    title: str
    scope: Scope
    severities: tuple[Severity, ...]
    sentence: str
    needs: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def severity(self, grade: int) -> Severity:
        """How soon a person should look."""
        return self.severities[min(grade, len(self.severities)) - 1]

    def words(self, values: Values) -> str:
        """The sentence with its values; a missing one is a question mark."""
        return self.sentence.format_map(_Shown.all_of(values))


class _Shown:
    """A value in a sentence: formatted as asked, or a question mark."""

    def __init__(self, value: float | None) -> None:
        self._value = value

    @classmethod
    def all_of(cls, values: Values) -> Mapping[str, _Shown]:
        """Each by its name; one that is not there is missing too."""
        return defaultdict(lambda: cls(None), {name: cls(value) for name, value in values.items()})

    def __format__(self, spec: str) -> str:
        return "?" if self._value is None else format(self._value, spec)


def _rule(
    name: str,
    title: str,
    scope: Scope,
    severities: tuple[Severity, ...],
    sentence: str,
    needs: str,
    *,
    escalate_min: float,
    **parameters: Parameter,
) -> Rule:
    common = {
        "enabled": Parameter(1, 0, 1, "0 or 1", "whether the rule is watched"),
        "escalate_min": Parameter(
            escalate_min, 0, 43_200, "min", "not acknowledged for so long, the alert escalates; 0: never"
        ),
    }
    return Rule(name, title, scope, severities, sentence, needs, {**common, **parameters})


_DAY: Final = 1440.0

_ALL: Final = (
    _rule(
        "spo2_low",
        "Low oxygen saturation now",
        "patient",
        ("urgent",),
        "SpO2 at or below {level_pct:.0f} % for {minutes:.0f} min, lowest {lowest_pct:.0f} %.",
        "SpO2 samples",
        escalate_min=30,
        level_pct=Parameter(88, 60, 95, "%", "SpO2 at or below this counts"),
        minutes=Parameter(5, 1, 60, "min", "for so long, unbroken"),
        margin_pct=Parameter(2, 0, 10, "%", "over when SpO2 is above the level by more than this ..."),
        clear_min=Parameter(1, 0, 30, "min", "... for so long"),
        gap_s=Parameter(10, 0, 60, "s", "missing samples up to this do not break it"),
    ),
    _rule(
        "deep_nadir",
        "Deep desaturation",
        "patient",
        ("warning", "urgent"),
        "A desaturation reached {nadir_pct:.0f} % (limit {limit_pct:.0f} %).",
        "desaturations of a night",
        escalate_min=_DAY,
        limit_pct=Parameter(80, 50, 92, "%", "a nadir at or below this"),
        margin_pct=Parameter(3, 0, 15, "%", "over with a night whose deepest nadir is above the limit by more"),
        grade_pct=Parameter(10, 1, 30, "%", "each so much deeper is another grade"),
        valid_h=Parameter(4, 0, 12, "h", "a night with less valid SpO2 does not end it"),
    ),
    *(
        _rule(
            name,
            title,
            "patient",
            ("warning", "urgent"),
            f"{what} at {{lowest:.1f}} or more for {{nights:.0f}} nights; own median {{median:.1f}}.",
            f"nights with {what.lower()} and four valid hours",
            escalate_min=3 * _DAY,
            nights=Parameter(3, 1, 14, "nights", "so many in a row"),
            ratio=Parameter(1.5, 1.1, 5, "", "each at least so many times the own median"),
            rise=Parameter(5, 0, 100, unit, "and at least so much above it"),
            clear_ratio=Parameter(1.25, 1, 5, "", "over when as many nights are below so many times that median"),
            own_nights=Parameter(7, 3, 30, "nights", "the median is of at least so many nights before"),
            valid_h=Parameter(4, 0, 12, "h", "a night with less valid SpO2 is passed over"),
        )
        for name, title, what, unit in (
            ("odi_rising", "Desaturations on the rise", "ODI", "/h"),
            ("burden_rising", "Hypoxic burden on the rise", "Hypoxic burden", "% min/h"),
        )
    ),
    _rule(
        "treatment_not_working",
        "Treatment does not work well enough",
        "patient",
        ("warning", "urgent"),
        "ODI with the MAD {treated:.1f}/h, untreated {untreated:.1f}/h: {share_pct:.0f} % remain.",
        "nights with SpO2 and wear time, and an untreated index (recorded, or from nights without the MAD)",
        escalate_min=7 * _DAY,
        share=Parameter(0.5, 0.1, 1, "", "the median index on the MAD is above this share of the untreated one"),
        margin=Parameter(0.05, 0, 0.3, "", "over when the share is below by more than this"),
        nights=Parameter(5, 3, 30, "nights", "the latest so many nights with the MAD count"),
        worn_min=Parameter(240, 30, 600, "min", "a night counts as one with the MAD from this wear on"),
        untreated_nights=Parameter(3, 1, 14, "nights", "without a recorded index: so many nights without the MAD"),
        valid_h=Parameter(4, 0, 12, "h", "a night with less valid SpO2 is passed over"),
    ),
    _rule(
        "mad_not_worn",
        "MAD not worn",
        "patient",
        ("warning",),
        "MAD not worn on {nights:.0f} nights in a row.",
        "nights with wear data; a night without data is not a night without wear",
        escalate_min=3 * _DAY,
        nights=Parameter(3, 1, 30, "nights", "so many in a row, of those with wear data"),
        worn_min=Parameter(30, 0, 240, "min", "below this the MAD was not worn"),
        clear_min=Parameter(60, 0, 480, "min", "over with a night of at least this wear"),
    ),
    _rule(
        "wear_short",
        "Wear short of the goal",
        "patient",
        ("info", "warning"),
        "Goal of {goal_h:.1f} h reached on {reached:.0f} of {nights:.0f} nights with data.",
        "nights with wear data",
        escalate_min=0,
        goal_h=Parameter(4, 1, 10, "h", "wear of a night that reaches the goal"),
        window=Parameter(7, 3, 30, "nights", "the latest so many nights"),
        wanted=Parameter(5, 1, 30, "nights", "so many of them are to reach it"),
        least=Parameter(5, 1, 30, "nights", "with fewer nights of data nothing is said"),
    ),
    _rule(
        "wear_suspect",
        "Wear to be looked at",
        "patient",
        ("info",),
        "{suspect_min:.0f} min of the night's wear show neither motion nor the life of a mouth.",
        "nights with wear data",
        escalate_min=0,
        minutes=Parameter(30, 1, 480, "min", "suspect wear in a night"),
        clear_min=Parameter(15, 0, 480, "min", "over with a night that has less"),
    ),
    _rule(
        "device_silent",
        "Device silent",
        "device",
        ("warning",),
        "Nothing heard of the device for {hours:.0f} h.",
        "any batch of the device",
        escalate_min=0,
        hours=Parameter(36, 1, 720, "h", "since its last data; a day has its gap, two do not"),
    ),
    _rule(
        "battery_low",
        "Battery low",
        "device",
        ("info", "warning"),
        "Battery at {battery_pct:.0f} %.",
        "battery reports",
        escalate_min=0,
        limit_pct=Parameter(20, 1, 90, "%", "at or below; at half of this it is a warning"),
        margin_pct=Parameter(10, 0, 50, "%", "over when it is above the limit by more"),
    ),
    _rule(
        "sensor_fault",
        "Sensor fault",
        "device",
        ("warning",),
        "The device reports a sensor fault on {samples:.0f} samples in a row.",
        "flags of the samples",
        escalate_min=0,
        samples=Parameter(3, 1, 100, "samples", "so many in a row with the flag, or without it to end it"),
    ),
    _rule(
        "clock_lost",
        "Clock lost",
        "device",
        ("warning",),
        "The device has lost its clock. Samples dated from contacts alone: {samples:.0f}.",
        "flags of the samples",
        escalate_min=0,
        samples=Parameter(1, 1, 100, "samples", "so many in a row with the flag, or without it to end it"),
    ),
    _rule(
        "upload_stuck",
        "Upload stuck",
        "gateway",
        ("warning",),
        "{pending:.0f} batches have waited at the gateway for {minutes:.0f} min without one getting through.",
        "the gateway's status, told every minute",
        escalate_min=0,
        minutes=Parameter(60, 5, 1440, "min", "batches wait and their number does not fall for so long"),
    ),
    _rule(
        "outbox_full",
        "Outbox full",
        "gateway",
        ("urgent",),
        "The gateway's outbox is full: what it collects is being thinned.",
        "the gateway's notices",
        escalate_min=_DAY,
    ),
    _rule(
        "outbox_nearly_full",
        "Outbox nearly full",
        "gateway",
        ("warning",),
        "The gateway's outbox is nearly full: stored nights stay on the devices.",
        "the gateway's notices",
        escalate_min=0,
    ),
    _rule(
        "adapter_unavailable",
        "Bluetooth unavailable",
        "gateway",
        ("warning",),
        "The gateway's Bluetooth adapter does not answer.",
        "the gateway's notices",
        escalate_min=0,
    ),
    _rule(
        "radio_silent",
        "Nothing heard",
        "gateway",
        ("warning",),
        "The gateway hears no Bluetooth device, though its radio was restarted.",
        "the gateway's notices",
        escalate_min=0,
    ),
    _rule(
        "disk_refuses",
        "Disk refuses",
        "gateway",
        ("urgent",),
        "The gateway cannot write to its disk: nights stay on the devices, which keep only the last few.",
        "the gateway's notices",
        escalate_min=_DAY,
    ),
    _rule(
        "live_dropped",
        "Live data dropped",
        "gateway",
        ("warning",),
        "Live readings were lost because the gateway's disk did not take them; what devices stored is not affected.",
        "the gateway's notices",
        escalate_min=0,
    ),
    _rule(
        "set_aside",
        "Data set aside",
        "gateway",
        ("warning",),
        "The service has set data of this gateway aside.",
        "the gateway's notices",
        escalate_min=0,
    ),
)

RULES: Final[Mapping[str, Rule]] = {rule.name: rule for rule in _ALL}
"""Every rule by its name."""
