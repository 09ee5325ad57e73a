"""Many nights of one patient: what they say together that one of them cannot.

The way of the data, one file a step: ``records`` (what the sensors say of a night) -> ``join`` (one `PatientNight`,
noon to noon) -> ``summary`` (means, intervals, class probabilities by ``model``), ``treatment`` (with and without the
MAD), ``trend``, ``changes`` and ``bedtime`` -> ``report`` (all of them) -> ``history`` (the same as a step, night by
night).
``cohort`` measures how often few nights are wrong about many people.

It informs and makes no diagnosis.
"""
