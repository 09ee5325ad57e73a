"""A seeded sleeper: what a body does in a night, with the truth kept beside the signal.

One file an organ: `sleeper` says who it is, `hypnogram` and `posture` how they sleep, `breathing` when they stop,
`oxygen` what that does to the blood, `heart` to the pulse, `hand` what the finger and its sensor make of it;
`truth` names what the blood really showed and `night` puts them together. A bed and a mouth join here.
"""

from simulators.physiology.breathing import EventKind, RespiratoryEvent
from simulators.physiology.hypnogram import EPOCH_S, Stage
from simulators.physiology.mouth import Mouth, MouthReading, WearInterval
from simulators.physiology.night import Night
from simulators.physiology.posture import Posture
from simulators.physiology.profiles import PROFILES, Profile
from simulators.physiology.sleeper import Sleeper
from simulators.physiology.traits import Traits
from simulators.physiology.truth import Desaturation
from simulators.physiology.wearing import Habits, Place, Stay

__all__ = [
    "EPOCH_S",
    "PROFILES",
    "Desaturation",
    "EventKind",
    "Habits",
    "Mouth",
    "MouthReading",
    "Night",
    "Place",
    "Posture",
    "Profile",
    "RespiratoryEvent",
    "Sleeper",
    "Stage",
    "Stay",
    "Traits",
    "WearInterval",
]
