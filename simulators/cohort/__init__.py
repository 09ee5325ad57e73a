"""Many people, many nights: a population whose indices differ between people, and between nights of one person.

`people` says who they are and how much their nights differ; `traces` has their nights as an oximeter would record
them, `wear` their days as a MAD's recorder would. The organs are those of `simulators.physiology`; what is added is
what makes one night unlike the next.
"""

from simulators.cohort.people import CLINIC, COMMUNITY, Member, Population
from simulators.cohort.traces import Trace, trace_of
from simulators.cohort.wear import wear_of

__all__ = ["CLINIC", "COMMUNITY", "Member", "Population", "Trace", "trace_of", "wear_of"]
