"""Settings: kept over boots, whole after a cut at any byte; bonds and owners in them."""

import os

from edge.common.bonds import MOST_OWNERS, Bonds
from edge.common.store import Store

PATH = "/tmp/somnolink-edge-settings"


def new():
    for turn in "01":
        try:
            os.remove(PATH + "." + turn)
        except OSError:
            pass
    return Store(PATH)


def test_settings_outlast_a_boot():
    store = new()
    store.put(b"one", b"1")
    store.put_all({b"two": b"22", b"three": bytes(255)})
    store.put(b"one", None)
    again = Store(PATH)
    assert again.get(b"one") is None
    assert again.get(b"two") == b"22"
    assert again.get(b"three") == bytes(255)
    assert again.keys(b"t") == [b"three", b"two"]
    again.clear((b"two",))
    assert Store(PATH).keys(b"") == [b"two"]


def test_too_long_is_refused_and_changes_nothing():
    store = new()
    store.put(b"a", b"1")
    for changes in ({b"k" * 256: b"", b"a": b"2"}, {b"a": bytes(256)}):
        try:
            store.put_all(changes)
            assert False, "taken"  # noqa: B011, PT015
        except ValueError:
            pass
    assert Store(PATH).get(b"a") == b"1"


def test_a_cut_at_any_byte_leaves_the_settings_before():
    store = new()
    store.put(b"boot", b"7")
    store.put(b"boot", b"8")
    newest = PATH + ".0"  # generation 2
    with open(newest, "rb") as file:
        whole = file.read()
    assert Store(PATH).get(b"boot") == b"8"
    for size in range(len(whole)):
        with open(newest, "wb") as file:
            file.write(whole[:size])
        assert Store(PATH).get(b"boot") == b"7"
        with open(newest, "wb") as file:
            file.write(whole[:size] + bytes((whole[size] ^ 4,)) + whole[size + 1 :])
        assert Store(PATH).get(b"boot") == b"7"
    broken = Store(PATH)
    broken.put(b"boot", b"9")  # goes over the broken one, not over the good one
    assert Store(PATH).get(b"boot") == b"9"


def test_bonds_are_made_only_when_they_may_be():
    bonds = Bonds(new())
    assert not bonds.set(1, b"peer", b"key", False)
    assert bonds.get(1, 0, b"peer") is None
    assert bonds.set(1, b"peer", b"key", True)
    assert bonds.set(1, b"peer", b"key", False)  # the same again is no new bond
    assert not bonds.set(1, b"peer", b"other", False)
    assert bonds.get(1, 0, b"peer") == b"key"
    assert Bonds(Store(PATH)).get(1, 0, b"peer") is None  # an interrupt does not write flash
    bonds.flush()
    assert Bonds(Store(PATH)).get(1, 0, b"peer") == b"key"


def test_bonds_are_listed_by_number_and_forgotten():
    bonds = Bonds(new())
    for name in (b"b", b"a", b"c"):
        assert bonds.set(2, name, b"key " + name, True)
    bonds.set(1, b"a", b"other kind", True)
    assert [bonds.get(2, index, None) for index in range(4)] == [b"key a", b"key b", b"key c", None]
    bonds.flush()
    assert bonds.set(2, b"b", None, False)
    assert not bonds.set(2, b"z", None, False)
    assert [bonds.get(2, index, None) for index in range(3)] == [b"key a", b"key c", None]
    bonds.flush()
    assert Bonds(Store(PATH)).get(2, 0, b"b") is None


def test_owners_are_few():
    bonds = Bonds(new())
    for number in range(MOST_OWNERS + 1):
        bonds.add_owner(bytes((number,)))
        bonds.flush()
    assert [bonds.is_owner(bytes((number,))) for number in range(MOST_OWNERS + 1)] == [True] * MOST_OWNERS + [False]
    bonds.remove_owner(b"\x00")
    assert not bonds.is_owner(b"\x00")
