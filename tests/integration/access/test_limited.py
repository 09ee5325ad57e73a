"""A session that lacks its second factor opens the own account, and no action besides, whatever the role."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import AccessError
from gateway.service.access import RULES, Access, Action, Principal
from gateway.service.records import Role
from tests.integration.access.scene import Scene


@pytest.mark.parametrize("role", Role)
def test_only_the_own_account_is_open(scene: Scene, role: Role) -> None:
    access = Access(scene.records)
    user = scene.records.users.named(f"{role}@near")
    whole = Principal(user.name, frozenset({"read", "write"}), user, session="s-1") if user else None
    assert whole is not None
    limited = replace(whole, limited=True)
    opened = [action for action in Action if role in RULES[action]]
    assert len(opened) > 1
    for action in opened:
        access.role(whole, action)
        if action is not Action.OWN_ACCOUNT:
            with pytest.raises(AccessError, match="second factor"):
                access.role(limited, action)
    access.role(limited, Action.OWN_ACCOUNT)
    if role is not Role.ADMINISTRATOR:
        assert access.patient(whole, Action.READ_PATIENT, scene.patient).id == scene.patient
    with pytest.raises(AccessError):
        access.patient(limited, Action.READ_PATIENT, scene.patient)
    with pytest.raises(AccessError):
        access.clinic(limited, Action.READ_CLINIC, "clinic")
    with pytest.raises(AccessError):
        access.session(replace(whole, session=None))
