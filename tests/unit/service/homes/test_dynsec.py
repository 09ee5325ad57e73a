"""Commands to the dynamic security plugin and its answers: as Mosquitto 2.0.11 speaks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BrokerError
from gateway.service.homes import dynsec
from gateway.service.homes.dynsec import Acl, Command, Held, Response, acls_of, repairs, role_of
from gateway.wire.access import SERVICE_USER, Action, allowed, covers

USERS = ("home-1", SERVICE_USER, "clinic", "clinic-far")
TOPICS = (
    "somnolink/v1/home-1/up/ring/oximetry",
    "somnolink/v1/home-1/status",
    "somnolink/v1/home-1/down/ack",
    "somnolink/v1/home-2/up/ring/oximetry",
    "somnolink/v1/home-2/down/ack",
    "somnolink/v1/home-2/status",
    "somnolink/v1/service/status",
    "somnolink/v1/feed/clinic",
    "somnolink/v1/feed/clinic-far",
    "$CONTROL/dynamic-security/v1",
    "elsewhere",
)


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("topic", TOPICS)
def test_a_role_allows_what_the_one_rule_allows_and_nothing_else(user: str, topic: str) -> None:
    acls = acls_of(user)
    kinds: dict[Action, tuple[str, ...]] = {
        "write": ("publishClientSend",),
        "read": ("publishClientReceive", "subscribePattern"),
    }
    for action, names in kinds.items():
        for kind in names:
            given_by_role = any(acl.acltype == kind and covers(acl.topic, topic) for acl in acls)
            assert given_by_role == allowed(user, action, topic), (kind, topic)
    assert all(acl.allow for acl in acls)


def test_a_message_of_commands_holds_what_each_takes_and_no_more() -> None:
    commands = [Command("createClient", username="home-1", password="x", roles=(dynsec.RoleName("r"),)), dynsec.CLOSED]
    assert json.loads(dynsec.encode(commands, "mark")) == {
        "commands": [
            {
                "command": "createClient",
                "username": "home-1",
                "password": "x",
                "roles": [{"rolename": "r"}],
                "correlationData": "mark",
            },
            {
                "command": "setDefaultACLAccess",
                "acls": [
                    {"acltype": "publishClientSend", "allow": False},
                    {"acltype": "publishClientReceive", "allow": False},
                    {"acltype": "subscribe", "allow": False},
                    {"acltype": "unsubscribe", "allow": True},
                ],
                "correlationData": "mark",
            },
        ]
    }
    asked = json.loads(dynsec.encode([dynsec.listing("listRoles", 0), dynsec.listing("listRoles", 100)], "m"))[
        "commands"
    ]
    assert [(one["count"], one["offset"], one["verbose"]) for one in asked] == [(100, 0, True), (100, 100, True)]


def test_what_is_so_already_is_no_error_and_everything_else_is() -> None:
    recorded = (
        b'{"responses":[{"command":"createRole","error":"Role already exists"},{"command":"modifyRole"},'
        b'{"command":"createClient","error":"Client already exists"},'
        b'{"command":"disableClient","error":"Client not found","correlationData":"x"}]}'
    )
    dynsec.check(dynsec.decode(recorded))
    for error in (b"Internal error", b"Client not found"):
        with pytest.raises(BrokerError, match=f"refuses enableClient: {error.decode()}"):
            dynsec.check(dynsec.decode(b'{"responses":[{"command":"enableClient","error":"' + error + b'"}]}'))
    with pytest.raises(BrokerError):
        dynsec.check(dynsec.decode(b'{"responses":[{"command":"Unknown command","error":"Payload not valid JSON"}]}'))


@given(st.binary(max_size=200) | st.text().map(lambda text: json.dumps({"responses": text}).encode()))
def test_any_bytes_are_an_answer_or_one_clear_error(payload: bytes) -> None:
    try:
        assert all(isinstance(one, Response) for one in dynsec.decode(payload))
    except BrokerError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either is well


def test_pages_of_what_a_broker_has_are_put_together() -> None:
    recorded = (
        b'{"responses":[{"command":"listClients","data":{"totalCount":2,"clients":[{"username":"home-1","textname":"x",'
        b'"disabled":true,"roles":[{"rolename":"somnolink:home-1"}],"groups":[]},{"username":"somnolink-admin",'
        b'"roles":[{"rolename":"somnolink-admin"}],"groups":[]}]}}]}',
        b'{"responses":[{"command":"listRoles","data":{"totalCount":1,"roles":[{"rolename":"r","acls":[{"acltype":'
        b'"publishClientSend","topic":"a/#","priority":0,"allow":true},{"acltype":"subscribePattern","topic":"b",'
        b'"priority":0,"allow":false}]}]}}]}',
    )
    found = Held()
    assert [found.take(dynsec.decode(page)[0]) for page in recorded] == [2, 1]
    assert found.clients == {
        "home-1": (True, frozenset({"somnolink:home-1"})),
        "somnolink-admin": (False, frozenset({"somnolink-admin"})),
    }
    assert found.roles == {"r": frozenset({("publishClientSend", "a/#"), None})}


def held(*clients: tuple[str, bool], roles: tuple[str, ...] = ()) -> Held:
    """Clients with roles of ours, and roles as they should be."""
    return Held(
        {user: (disabled, frozenset({role_of(user)})) for user, disabled in clients},
        {role_of(user): frozenset((acl.acltype, acl.topic) for acl in acls_of(user)) for user in roles},
    )


class TestRepairs:
    def test_what_is_as_it_should_be_needs_nothing(self) -> None:
        there = held(("home-1", False), ("home-2", True), roles=("home-1", "home-2", "clinic"))
        assert repairs(there, wanted={"home-1"}, blocked={"home-2"}, listeners={"clinic"}) == dynsec.Repairs()

    def test_what_is_missing_is_made_and_what_was_shut_out_is_let_in(self) -> None:
        there = held(("home-2", True), roles=("home-2",))
        found = repairs(there, wanted={"home-1", "home-2"}, blocked=set(), listeners=set())
        assert (found.made, found.enabled, found.disabled, found.roles) == (("home-1",), ("home-2",), (), ())
        commands = found.commands({"home-1": "secret", "home-2": "other"})
        assert [one.username for one in commands if one.command == "createClient"] == ["home-1"]
        assert [one.password for one in commands if one.command == "modifyClient"] == ["secret"]
        assert commands[-1] == Command("enableClient", username="home-2")

    def test_an_account_without_our_role_is_made_ours(self) -> None:
        there = Held({"home-1": (False, frozenset())}, {})
        assert repairs(there, wanted={"home-1"}, blocked=set(), listeners=set()).made == ("home-1",)

    def test_revoked_ones_are_shut_out_whatever_their_role_and_those_out_already_are_left(self) -> None:
        there = held(("home-1", False), ("home-2", True), roles=("home-1", "home-2"))
        there.clients["by-hand"] = (False, frozenset())
        found = repairs(there, wanted=(), blocked={"home-1", "home-2", "by-hand", "gone"}, listeners=())
        assert found.disabled == ("by-hand", "home-1")

    def test_ours_that_nobody_knows_is_shut_out_and_a_strangers_is_not(self) -> None:
        there = held(("home-9", False), roles=("home-9",))
        there.clients["metrics"] = (False, frozenset({"theirs"}))
        assert repairs(there, wanted=(), blocked=(), listeners=()).disabled == ("home-9",)

    @pytest.mark.parametrize(
        "wrong", [(), (Acl("publishClientSend", "#"),), (*acls_of("home-1"), Acl("subscribePattern", "#"))]
    )
    def test_a_role_that_says_anything_else_is_put_right(self, wrong: tuple[Acl, ...]) -> None:
        there = held(("home-1", False))
        there.roles[role_of("home-1")] = frozenset((acl.acltype, acl.topic) for acl in wrong)
        found = repairs(there, wanted={"home-1"}, blocked=(), listeners=())
        assert (found.made, found.roles) == ((), ("home-1",))

    def test_a_role_that_denies_is_put_right(self) -> None:
        there = held(("home-1", False), roles=("home-1",))
        there.roles[role_of("home-1")] |= {None}
        assert repairs(there, wanted={"home-1"}, blocked=(), listeners=()).roles == ("home-1",)


@given(st.integers(0, 350))
def test_messages_hold_every_command_once_and_none_is_too_long(size: int) -> None:
    commands = [Command("enableClient", username=str(number)) for number in range(size)]
    cut = dynsec.in_messages(commands)
    assert [one for some in cut for one in some] == commands
    assert all(0 < len(some) <= dynsec.PAGE for some in cut)
