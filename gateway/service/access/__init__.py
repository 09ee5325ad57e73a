"""Who may do what: the one place where that is decided. The API and whatever else shows data ask here.

`rules.RULES` is the table (action -> role -> how near the patient or clinic must be); what it does not allow is denied.
A `Principal` is who asks: a user, or a program with a token of the service's own. Its use::

    access = Access(records)
    patient = access.patient(who, Action.READ_PATIENT, "p-00112233aabb")   # HiddenError, AccessError
    seen = access.patients(who)                                            # ids of whom `who` sees; None: everybody
    parts = access.parts(who, device, start_ms, end_ms)                    # times in which a device's data are theirs

What a user may not know of raises `HiddenError`, whether it exists or not; what a user knows of and may not do raises
`AccessError`. Nothing is cached: who leaves a team sees nothing at the next request.
"""

from __future__ import annotations

from gateway.service.access.access import Access
from gateway.service.access.principal import Principal
from gateway.service.access.rules import RULES, Action, Relation

__all__ = ["RULES", "Access", "Action", "Principal", "Relation"]
