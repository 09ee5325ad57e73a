"""One night: the organs put together, signals and truth side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.physiology.breathing import RespiratoryEvent, draw_events, flow_of
from simulators.physiology.hand import hand, read
from simulators.physiology.heart import pulse
from simulators.physiology.hypnogram import EPOCH_S, Stage, hypnogram
from simulators.physiology.oxygen import saturation
from simulators.physiology.posture import postures
from simulators.physiology.profiles import Profile
from simulators.physiology.series import Mask, Series
from simulators.physiology.traits import Traits
from simulators.physiology.truth import Desaturation, desaturations, score


@dataclass(frozen=True, slots=True, eq=False)
class Night:
    """A night of one sleeper, one value a second unless said; all sensors of that night read from here.

    Attributes
    ----------
    seed, index : int
        Whose night, and which.
    start_utc_ms : int
        UTC milliseconds of second 0.
    stages : array of uint8, shape (epochs,)
        Values of `Stage`, one each 30 s.
    posture : array of uint8, shape (seconds,)
        Values of `Posture`.
    turns_s : array, shape (k,)
        Seconds at which the posture changes.
    flow : array, shape (seconds,)
        Air flow, share of the usual: 0 in an apnoea.
    saturation_pct : array, shape (seconds,)
        Oxygen saturation that arrives in the finger: smooth, the truth.
    heart_rate_bpm : array, shape (seconds,)
        Pulse, the truth.
    spo2_pct, pulse_bpm : arrays, shape (seconds,)
        What a finger sensor reads before it rounds: with noise and artefacts, 50..100 % and 30..200 bpm, NaN without
        a finger.
    perfusion_pct, motion : arrays, shape (seconds,)
        Perfusion index in %; motion 0..255.
    finger_off, poor_signal : arrays of bool, shape (seconds,)
    events : tuple of RespiratoryEvent
    desaturations : tuple of Desaturation
        Truth, from `saturation_pct`.
    """

    seed: int
    index: int
    start_utc_ms: int
    stages: NDArray[np.uint8]
    posture: NDArray[np.uint8]
    turns_s: Series
    flow: Series
    saturation_pct: Series
    heart_rate_bpm: Series
    spo2_pct: Series
    pulse_bpm: Series
    perfusion_pct: Series
    motion: Series
    finger_off: Mask
    poor_signal: Mask
    events: tuple[RespiratoryEvent, ...]
    desaturations: tuple[Desaturation, ...]

    @property
    def duration_s(self) -> int:
        """Seconds of signal."""
        return self.spo2_pct.size

    @property
    def end_utc_ms(self) -> int:
        """UTC milliseconds at which the last second ends."""
        return self.start_utc_ms + self.duration_s * 1000

    @property
    def sleep_h(self) -> float:
        """Hours asleep."""
        return float(np.count_nonzero(self.stages != Stage.WAKE)) * EPOCH_S / 3600.0

    @property
    def ahi(self) -> float:
        """Respiratory events an hour of sleep."""
        return len(self.events) / self.sleep_h if self.sleep_h else 0.0


def compose(
    streams: np.random.SeedSequence,
    profile: Profile,
    traits: Traits,
    start_utc_ms: int,
    duration_s: int,
    seed: int,
    index: int,
) -> Night:
    """Sleep a night; each organ draws from a stream of its own: a change in one leaves the others as they were."""
    rngs = [np.random.default_rng(stream) for stream in streams.spawn(8)]
    of_night, of_stages, of_posture, of_events, of_flow, of_oxygen, of_heart, of_hand = rngs
    ahi = profile.ahi * traits.ahi_factor * float(np.exp(profile.night_spread * of_night.standard_normal()))
    stages = hypnogram(of_stages, -(-duration_s // EPOCH_S), profile.fragmentation)
    lying = postures(of_posture, stages, duration_s, traits.supine_share)
    drawn = draw_events(of_events, profile, ahi, stages, lying.each_s)
    flow = flow_of(of_flow, drawn, stages, duration_s)
    saturation_pct = saturation(of_oxygen, traits, flow)
    heart_rate_bpm = pulse(of_heart, traits, drawn, stages, lying.turns_s, duration_s)
    held = hand(of_hand, traits, drawn, stages, lying.turns_s, duration_s)
    reading = read(of_hand, held, saturation_pct, heart_rate_bpm)
    falls = desaturations(saturation_pct, held.finger_off)
    return Night(
        seed=seed,
        index=index,
        start_utc_ms=start_utc_ms,
        stages=stages,
        posture=lying.each_s,
        turns_s=lying.turns_s,
        flow=flow,
        saturation_pct=saturation_pct,
        heart_rate_bpm=heart_rate_bpm,
        spo2_pct=reading.spo2_pct,
        pulse_bpm=reading.pulse_bpm,
        perfusion_pct=held.perfusion_pct,
        motion=held.motion,
        finger_off=held.finger_off,
        poor_signal=held.poor_signal,
        events=score(drawn, falls, traits.circulation_s),
        desaturations=falls,
    )
