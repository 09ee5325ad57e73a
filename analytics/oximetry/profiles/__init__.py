"""Rules that call a fall of oxygen saturation a desaturation, each named and versioned.

There is no standard oxygen desaturation index: a result names the profile and version that made it. Every profile but
`peak` runs as its own tool does, on the `bridge`d signal at 1 Hz in steps of 1 %, so that its counts can be held
against that tool's.
"""

from analytics.oximetry.profiles.profile import Profile, Signal
from analytics.oximetry.profiles.registry import PROFILES, get_profile

__all__ = ["PROFILES", "Profile", "Signal", "get_profile"]
