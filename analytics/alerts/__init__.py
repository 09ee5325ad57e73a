"""Alert rules, pure: data in, findings out, and the life of an alert as a state machine.

The way of the data, one file a step: ``rules`` (what is watched, as data) and ``thresholds`` (a clinic's and a
patient's own) -> ``spo2`` (samples), ``devices`` (contacts, batteries, faults, uploads) and ``nights`` (a patient's
nights) -> ``findings`` (what a rule says) -> ``reconcile`` (late data against what was raised before) -> ``lifecycle``
(open, acknowledged, snoozed, escalated, resolved).

Order of what happens at one instant: data first, then what people do, then timers. So data that arrives in the very
millisecond in which a timer is due prevents it, and so does an acknowledgement.
"""
