"""A mandibular device with a micro-recorder through days and nights: what its sensors read, and when it was worn.

`wearing` says where the device lies when, `thermal` how its temperature follows, `head` what its accelerometer feels;
`wear_log` takes readings as a recorder does.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.physiology.chance import normal, uniform
from simulators.physiology.head import Head, Vector, unit
from simulators.physiology.night import Night
from simulators.physiology.thermal import Bath, Course
from simulators.physiology.wearing import Habits, Place, Stay, stays_of

_DEVICE, _VISIT = 0x30D1, 0x30D2
_SETTLES_S: Final = 1110.0
"""A recorder needs up to this long in a mouth to come within 0.2 degC (bench tests of three recorders, docs)."""

_WAVES_S: Final = ((3.5, 5.0), (60.0, 150.0), (150.0, 400.0), (400.0, 900.0), (900.0, 2400.0), (2400.0, 6000.0))
"""Ranges of the periods in which a mouth's temperature wavers, from the breath to the cycles of sleep."""


@dataclass(frozen=True, slots=True)
class WearInterval:
    """The device was in the mouth from `start_utc_ms` to `end_utc_ms`: truth."""

    start_utc_ms: int
    end_utc_ms: int

    @property
    def minutes(self) -> float:
        """How long, in minutes."""
        return (self.end_utc_ms - self.start_utc_ms) / 60_000.0


@dataclass(frozen=True, slots=True)
class MouthReading:
    """What the recorder's sensors say at an instant.

    Attributes
    ----------
    temperature_c : float
        degC, in the sensor's steps.
    accel_mg : tuple of int
        Mean acceleration (x to the front of the face, y to its left, z to the crown), mg; at rest 1000 mg upward.
    motion_mg : int
        RMS about that mean over the last half minute, mg.
    """

    temperature_c: float
    accel_mg: tuple[int, int, int]
    motion_mg: int


@dataclass(frozen=True, slots=True)
class Thermometer:
    """A temperature sensor: its step, its noise and the spread of its offset between specimens, degC."""

    step_c: float
    noise_c: float
    offset_c: float


TMP117: Final = Thermometer(0.0078125, 0.008, 0.05)
"""TI SNOSD82: 7.8 m degC a step, about one step of noise without averaging, +-0.1 degC at most."""
NTC: Final = Thermometer(0.025, 0.02, 0.25)
"""A 1 % thermistor in a divider read with 12 bits, eight readings averaged."""


class Mouth:
    """A device and its wearer. Every reading is a pure function of seed and time, in any order.

    Parameters
    ----------
    stays : sequence of Stay
        Where the device lies, not overlapping; in its case otherwise.
    seed : int
        The device, its wearer's mouth, and what happens while it is worn.
    nights : sequence of Night
        The nights of the same sleeper: posture and turns come from them; worn outside of them is upright.
    habits : Habits
        Drinks, mouth breathing and rinsing.
    thermometer : Thermometer
    room_c : float, optional
        Temperature of the bedroom; drawn by default, 18..24 degC.

    Attributes
    ----------
    intervals : tuple of WearInterval
        When it was in the mouth: truth.
    stays : tuple of Stay
        As given, in order of time.

    Raises
    ------
    ValueError
        For stays that overlap or are empty.
    """

    def __init__(
        self,
        stays: Sequence[Stay],
        seed: int,
        *,
        nights: Sequence[Night] = (),
        habits: Habits | None = None,
        thermometer: Thermometer = TMP117,
        room_c: float | None = None,
    ) -> None:
        self.stays = tuple(sorted(stays, key=lambda stay: stay.start_utc_ms))
        for stay, following in zip(self.stays, (*self.stays[1:], None), strict=True):
            if stay.end_utc_ms <= stay.start_utc_ms or (following and following.start_utc_ms < stay.end_utc_ms):
                raise ValueError(f"stays must follow one another: {stay}")
        self.intervals = tuple(
            WearInterval(stay.start_utc_ms, stay.end_utc_ms) for stay in self.stays if stay.place == Place.MOUTH
        )
        self._seed = seed
        self._starts = [stay.start_utc_ms for stay in self.stays]
        self._thermometer = thermometer
        self._habits = habits or Habits()
        rng = np.random.default_rng([_DEVICE, seed])
        self._offset_c = float(thermometer.offset_c * rng.standard_normal())
        self._mouth_c = float(np.clip(rng.normal(35.9, 0.4), 34.9, 36.8))
        # Within 0.2 degC of a mouth 17 degC warmer after 4.4 time constants: the slowest still keep `_SETTLES_S`.
        self._mouth_tau_s = float(rng.uniform(110.0, _SETTLES_S / 4.5))
        self._air_tau_s = float(rng.uniform(260.0, 480.0))
        self._room_c = float(rng.uniform(18.0, 24.0)) if room_c is None else room_c
        self._circadian_c = float(rng.uniform(0.2, 0.45))
        self._waves = [
            (0.02 * float(rng.uniform(0.5, 1.5)), float(rng.uniform(*range_s)), float(rng.uniform(0, 2 * math.pi)))
            for range_s in (
                (3.5, 5.0),
                (60.0, 150.0),
                (150.0, 400.0),
                (400.0, 900.0),
                (900.0, 2400.0),
                (2400.0, 6000.0),
            )
        ]
        self._course = Course(self._baths(), float(rng.uniform(5.0, 20.0)))
        self._head = Head(nights, seed)

    @classmethod
    def of_nights(
        cls,
        nights: Sequence[Night],
        seed: int,
        *,
        worn: Sequence[bool] | None = None,
        habits: Habits | None = None,
        elsewhere: Sequence[Stay] = (),
        thermometer: Thermometer = TMP117,
        room_c: float | None = None,
    ) -> Mouth:
        """Wear it in each night, inserted some minutes before and taken out some after; in its case otherwise.

        Parameters
        ----------
        nights : sequence of Night
            In order of time.
        worn : sequence of bool, optional
            One a night: whether it is worn; each by default.
        elsewhere : sequence of Stay
            Other stays: in warm water, on a radiator, a short wear by day.
        """
        chosen = habits or Habits()
        stays = stays_of(nights, [True] * len(nights) if worn is None else worn, seed, chosen)
        return cls([*stays, *elsewhere], seed, nights=nights, habits=chosen, thermometer=thermometer, room_c=room_c)

    def reading(self, utc_ms: int) -> MouthReading:
        """Read the sensors at `utc_ms`."""
        warmth = self._course.at(utc_ms)
        sensor = self._thermometer
        seconds = utc_ms / 1000.0
        true_c = warmth.sensor_c + warmth.mouth * self._mouth_life_c(seconds) + warmth.room * _room_life_c(seconds)
        read_c = true_c + self._offset_c + sensor.noise_c * normal(self._seed, 1, utc_ms)
        up, motion_mg = self._felt(utc_ms)
        x, y, z = (round(1000.0 * up[axis] + 2.0 * normal(self._seed, 2 + axis, utc_ms)) for axis in range(3))
        return MouthReading(round(read_c / sensor.step_c) * sensor.step_c, (x, y, z), round(motion_mg))

    def in_case(self, utc_ms: int) -> bool:
        """Whether the device lies in its case, as the case's magnet tells it: rinsed and dried some minutes after."""
        number = bisect_right(self._starts, utc_ms) - 1
        put_away_ms = 0.0
        if number >= 0 and self.stays[number].place == Place.MOUTH:
            put_away_ms = self.stays[number].end_utc_ms + 60_000 + 480_000 * uniform(self._seed, 25, number)
        return self._stay(utc_ms) < 0 and utc_ms >= put_away_ms

    def _stay(self, utc_ms: int) -> int:
        """Which stay it is, -1 for the case."""
        number = bisect_right(self._starts, utc_ms) - 1
        inside = number >= 0 and utc_ms < self.stays[number].end_utc_ms
        return number if inside and self.stays[number].place != Place.CASE else -1

    def _felt(self, utc_ms: int) -> tuple[Vector, float]:
        """Which way is up, and the motion: of the head while worn, else of a thing that lies still or is handled."""
        number = self._stay(utc_ms)
        if number >= 0 and self.stays[number].place == Place.MOUTH:
            return self._head.up(utc_ms), self._head.motion_mg(utc_ms)
        key = number if number >= 0 else -2 - bisect_right(self._starts, utc_ms)
        lies = unit([normal(self._seed, 20 + axis, key) for axis in range(3)])
        edges = [edge for stay in self._near(utc_ms) for edge in (stay.start_utc_ms, stay.end_utc_ms)]
        handled = any(0 <= utc_ms - edge < 30_000 for edge in edges)
        return lies, 300.0 if handled else 1.0 + 1.5 * uniform(self._seed, 24, utc_ms)

    def _near(self, utc_ms: int) -> tuple[Stay, ...]:
        number = bisect_right(self._starts, utc_ms)
        return self.stays[max(number - 1, 0) : number]

    def _mouth_life_c(self, seconds: float) -> float:
        """The mouth's own change: lowest before dawn (Czeisler 1999), and the small waver of breath and saliva."""
        hour = (seconds / 3600.0) % 24.0
        slow = self._circadian_c * math.cos(2.0 * math.pi * (hour - 16.5) / 24.0)
        return slow + sum(size * math.sin(2.0 * math.pi * seconds / period + at) for size, period, at in self._waves)

    def _baths(self) -> list[Bath]:
        room = Bath(0, self._room_c, self._air_tau_s, room=1.0)
        baths = [room]
        for number, stay in enumerate(self.stays):
            rng = np.random.default_rng([_VISIT, self._seed, number])
            if stay.place == Place.MOUTH:
                baths += self._worn(rng, stay)
                begin_ms = stay.end_utc_ms
                if rng.random() < self._habits.rinse:
                    baths.append(Bath(begin_ms, float(rng.uniform(12.0, 25.0)), 35.0))
                    begin_ms += round(rng.uniform(10.0, 40.0) * 1000)
            else:
                baths.append(self._lying(stay))
                begin_ms = stay.end_utc_ms
            baths.append(Bath(begin_ms, self._room_c, self._air_tau_s, room=1.0))
        return _in_order(baths)

    def _lying(self, stay: Stay) -> Bath:
        given, start = stay.temperature_c, stay.start_utc_ms
        match stay.place:
            case Place.WARM_WATER:
                return Bath(start, 36.0 if given is None else given, 40.0)
            case Place.MUG:
                excess_c = (45.0 if given is None else given) - self._room_c
                return Bath(start, self._room_c, 40.0, excess_c, 7 * 3600.0)
            case Place.RADIATOR:
                return Bath(start, 36.0 if given is None else given, self._air_tau_s, room=1.0)
            case _:
                return Bath(start, self._room_c if given is None else given, self._air_tau_s, room=1.0)

    def _worn(self, rng: np.random.Generator, stay: Stay) -> list[Bath]:
        """The mouth closed, with spells of mouth breathing and drinks of some sips; a share of a night's by length."""
        usual_c = self._mouth_c + float(0.15 * rng.standard_normal())
        length_s = (stay.end_utc_ms - stay.start_utc_ms) / 1000.0
        share = length_s / (8 * 3600.0)
        breaks: list[tuple[float, float, float, float]] = []  # start, length in s; target, time constant
        for _ in range(rng.poisson(self._habits.mouth_breathing * share)):
            cooler_c = float(rng.uniform(0.4, 2.2))
            spell_s = float(rng.uniform(300.0, 3600.0))
            breaks.append((float(rng.uniform(0, length_s)), spell_s, usual_c - cooler_c, self._mouth_tau_s))
        for _ in range(rng.poisson(self._habits.drinks * share)):
            hot = rng.random() < self._habits.hot_drinks
            drink_c = float(rng.uniform(45.0, 58.0) if hot else rng.uniform(6.0, 20.0))
            at_s = float(rng.uniform(0, length_s))
            breaks += [
                (at_s + 45.0 * sip, float(rng.uniform(8.0, 25.0)), drink_c, 1.5 * self._mouth_tau_s)
                for sip in range(int(rng.integers(1, 4)))
            ]
        baths = [Bath(stay.start_utc_ms, usual_c, self._mouth_tau_s, mouth=1.0)]
        free_s = 0.0
        for at_s, for_s, target_c, tau_s in sorted(breaks):
            begin_s, end_s = max(at_s, free_s), at_s + for_s
            if begin_s < end_s < length_s:
                baths.append(Bath(stay.start_utc_ms + round(begin_s * 1000), target_c, tau_s, mouth=1.0))
                baths.append(Bath(stay.start_utc_ms + round(end_s * 1000), usual_c, self._mouth_tau_s, mouth=1.0))
                free_s = end_s
        return baths


def _in_order(baths: list[Bath]) -> list[Bath]:
    """Leave out what the next stay comes before: a rinse, when the device is put elsewhere at once."""
    kept: list[Bath] = []
    for bath in baths:
        while kept and kept[-1].start_ms >= bath.start_ms:
            kept.pop()
        kept.append(bath)
    return kept


def _room_life_c(seconds: float) -> float:
    """A room by day and night, and its heating going on and off, degC."""
    day = 0.8 * math.cos(2.0 * math.pi * ((seconds / 3600.0) % 24.0 - 15.0) / 24.0)
    return day + 0.25 * math.sin(2.0 * math.pi * seconds / 2700.0)
