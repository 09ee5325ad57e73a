"""The patients of the demo clinic: who they are, how their nights are, how their treatment goes. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.service.records import SideEffectKind

CLINIC: Final = "clinic-demo"
CLINIC_NAME: Final = "Demo clinic (simulated)"
ZONE: Final = "Europe/Berlin"
NIGHTS: Final = 18
"""Nights behind each patient when the demo opens."""


@dataclass(frozen=True, slots=True)
class Story:
    """One simulated patient; nights count from 0, the oldest.

    Attributes
    ----------
    key : str
        Names devices and accounts.
    kind : str
        Of breathing, in the cohort's words; `shallow`: many events end in arousal before the oxygen falls far.
    median_ahi : float
        Respiratory events an hour on a usual night without treatment.
    left : float
        Share of the events that the MAD leaves when it is worn.
    advancement_mm : mapping of int to float
        By the night from which it holds; from the first on the MAD is worn.
    worn : mapping of int to float
        From a night on: on how many of ten nights it is worn.
    hours : float
        Worn for so long, where it is.
    side_effects : mapping of int to (kind, severity, note)
    no_ring : frozenset of int
        Nights of which the oximeter brings nothing.
    recorder_until : int
        The last night of which the recorder brings anything.
    battery_pct : (float, float)
        Of the oximeter, on the first night and on the last.
    clock_lost_from : int or None
        From this night on the recorder has lost its clock.
    """

    key: str
    name: str
    sex: str
    birth_year: int
    untreated_index: float
    median_ahi: float
    left: float
    advancement_mm: Mapping[int, float]
    worn: Mapping[int, float]
    hours: float = 7.0
    kind: str = "usual"
    side_effects: Mapping[int, tuple[SideEffectKind, int, str]] = field(default_factory=dict)
    no_ring: frozenset[int] = frozenset()
    recorder_until: int = NIGHTS - 1
    battery_pct: tuple[float, float] = (92.0, 71.0)
    clock_lost_from: int | None = None


STORIES: Final = (
    Story(
        "works",
        "Anna Keller (simulated)",
        "female",
        1968,
        27.0,
        26.0,
        0.22,
        {6: 3.0, 12: 4.5},
        {6: 9.7},
        side_effects={
            7: (SideEffectKind.SALIVA, 1, "in the first nights"),
            13: (SideEffectKind.SORE_JAW, 1, "mornings"),
        },
    ),
    Story(
        "no-effect",
        "Bernd Vogt (simulated)",
        "male",
        1959,
        33.0,
        31.0,
        0.88,
        {5: 3.0, 9: 5.0, 13: 7.0},
        {5: 9.5},
        side_effects={14: (SideEffectKind.TOOTH_PAIN, 2, "lower front teeth, since 7 mm")},
    ),
    Story(
        "not-worn",
        "Carla Brandt (simulated)",
        "female",
        1975,
        24.0,
        23.0,
        0.35,
        {5: 3.0},
        {5: 8.0, 10: 0.0},
        hours=3.2,
        side_effects={9: (SideEffectKind.SORE_JAW, 3, "takes it out at night, then leaves it out")},
    ),
    Story(
        "shallow",
        "Dilek Aydin (simulated)",
        "female",
        1981,
        12.0,
        14.0,
        0.75,
        {9: 4.0},
        {9: 9.0},
        kind="shallow",
        side_effects={10: (SideEffectKind.DRY_MOUTH, 1, "")},
    ),
    Story(
        "trouble",
        "Emil Winter (simulated)",
        "male",
        1950,
        21.0,
        20.0,
        0.4,
        {4: 3.0},
        {4: 9.0},
        no_ring=frozenset({6, 7, 11, 13, 14}),
        recorder_until=NIGHTS - 6,
        battery_pct=(58.0, 7.0),
        clock_lost_from=NIGHTS - 9,
    ),
)

LIVE_NAME: Final = "Frieda Lang (simulated, live)"
"""Her home streams while the demo runs."""

DENTIST, PHYSICIAN, ADMINISTRATOR = "dentist@demo", "physician@demo", "administrator@demo"
PATIENT: Final = "patient@demo"
"""Who is told of in the first story."""
