"""Strategies: short nights with dips, drift, noise, dropouts and artefacts, and ways to cut them."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.oximetry import stream
from analytics.oximetry.events import Desaturation
from analytics.oximetry.indices import RunningIndices
from analytics.oximetry.signal import OximetryChunk

INTERVALS_MS: Final = (250, 1000, 2000, 4000)


def make_night(seed: int, seconds: int, digits: int, *, spoiled: bool = True) -> NDArray[np.float32]:
    """A night at 1 Hz with a dip about every 70 s; `digits` as in `round`; `spoiled` adds dropouts and spikes."""
    rng = np.random.default_rng(seed)
    t = np.arange(seconds)
    signal = 95.5 + np.sin(t / 900 + rng.uniform(0, 6)) + rng.normal(0, 0.25, seconds)
    at = 60.0
    while at < seconds - 60:
        depth, fall, rise = rng.uniform(1, 12), rng.uniform(6, 50), rng.uniform(4, 30)
        shape = np.interp(t, [at, at + fall, at + fall + rise], [0, depth, 0], left=0, right=0)
        signal -= shape
        at += fall + rise + rng.exponential(40)
    signal = np.round(np.clip(signal, 55, 100), digits)
    if spoiled:
        for _ in range(rng.integers(0, 8)):
            begin = rng.integers(0, seconds)
            signal[begin : begin + rng.integers(1, 40)] = rng.choice([np.nan, 0, 127, 255, 48, 85])
    return signal.astype(np.float32)


seeds = st.integers(0, 2**32 - 1)
nights = st.builds(make_night, seeds, st.integers(1, 1500), st.sampled_from([0, 1]))


@st.composite
def recordings(draw: st.DrawFn) -> list[OximetryChunk]:
    """Chunks of any interval in order of time, with gaps, overlaps, motion and flags between and in them."""
    chunks = []
    t_ms = draw(st.integers(0, 2**41))
    for _ in range(draw(st.integers(1, 4))):
        dt_ms = draw(st.sampled_from([*INTERVALS_MS, 990, 1010, 333]))
        spo2 = draw(nights)[:: max(1, dt_ms // 1000)]
        rng = np.random.default_rng(draw(seeds))
        n = len(spo2)
        motion = rng.choice([0, 3, 120, 255], n, p=[0.5, 0.4, 0.05, 0.05]).astype(np.uint8)
        flags = rng.choice([0, 1, 2, 8], n, p=[0.97, 0.01, 0.01, 0.01]).astype(np.uint16)
        chunks.append(OximetryChunk(t_ms, dt_ms, spo2, spo2, motion, flags))
        t_ms += n * dt_ms + draw(st.sampled_from([0, 0, 7, -900, -5000, 1500, 4000, 40_000, 10**8]))
        t_ms = max(t_ms, 0)
    return chunks


def cut(chunk: OximetryChunk, at: list[int]) -> list[OximetryChunk]:
    """The same samples in pieces that begin at the positions `at`."""
    edges = sorted({0, len(chunk.spo2), *(i % (len(chunk.spo2) + 1) for i in at)})
    return [
        OximetryChunk(
            chunk.t0_ms + a * chunk.dt_ms,
            chunk.dt_ms,
            chunk.spo2[a:b],
            chunk.pulse[a:b],
            chunk.motion[a:b],
            chunk.flags[a:b],
        )
        for a, b in pairwise(edges)
    ]


def run(chunks: list[OximetryChunk], *, restore: bool = False) -> tuple[list[Desaturation], RunningIndices, bytes]:
    """Desaturations, last indices and last state of a night; `restore` puts every state through its snapshot."""
    state, found = stream.start(), []
    for chunk in chunks:
        state, output = stream.step(state, chunk)
        found += output.desaturations
        if restore:
            state = stream.NightState.from_bytes(state.to_bytes())
    state, output = stream.close(state)
    return found + list(output.desaturations), output.indices, state.to_bytes()
