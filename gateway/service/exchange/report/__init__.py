"""What a practice takes home of one patient: one report, told as PDF, CSV, FHIR or EDF+.

The way of the data, one file a step: ``gather`` (records and store -> `Facts`) -> ``build`` (pure: `Facts` -> `Report`,
with ``wear``, ``response`` and ``follow_up``) -> ``wording`` (rows and sentences) and ``figures`` -> ``pdf``, ``csv``,
``fhir``, ``edf``; ``export`` is all of it in one call.

It informs and makes no diagnosis.
"""
