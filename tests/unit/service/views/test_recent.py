"""The last weeks of many patients as one table, on both sides of each limit."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest

from gateway.service.records.digests import NIGHT
from gateway.service.records.roster import Held
from gateway.service.views.recent import Recent, recent

TONIGHT = date(2026, 3, 28)
DAY_MS = 86_400_000
NAN = math.nan


def at_ms(night: date) -> int:
    return (night.toordinal() - date(1970, 1, 1).toordinal() + 1) * DAY_MS


def nights(*told: tuple[int, float, float, float, float]) -> bytes:
    """(nights back, valid hours, odi4, burden, wear minutes) each."""
    rows = []
    for back, valid_h, odi4, burden, wear_min in told:
        night = TONIGHT - timedelta(back)
        rows.append((night.toordinal(), at_ms(night), valid_h, odi4, odi4, burden, wear_min, 0.0))
    return np.array(rows, NIGHT).tobytes()


def held(patient: str, device: str, from_ms: int = 0, to_ms: int | None = None) -> Held:
    return Held(patient, device, from_ms, to_ms, "x", "home", None, 0)


def one(digest: bytes, tonight: date = TONIGHT) -> Recent:
    return recent([held("p", "d")], {"d": digest}, {"p": 0}, [tonight])


def test_nobody_and_nothing() -> None:
    assert recent([], {}, {}, []).newest.size == 0
    empty = recent([held("p", "d")], {}, {"p": 0}, [TONIGHT])
    assert (empty.newest[0], empty.nights_30[0]) == (0, 0)
    assert math.isnan(empty.means["odi4"][0])


def test_a_mean_takes_three_nights() -> None:
    for count, mean in ((2, NAN), (3, 10.0)):
        found = one(nights(*((back, 7.0, 10.0, 5.0, NAN) for back in range(count))))
        assert found.means["odi4"][0] == pytest.approx(mean, nan_ok=True)


@pytest.mark.parametrize(("valid_h", "counts"), [(3.99, False), (4.0, True)])
def test_a_night_of_too_few_valid_hours_joins_no_mean(valid_h: float, counts: bool) -> None:
    found = one(nights(*((back, valid_h, 10.0, 5.0, NAN) for back in range(5))))
    assert found.nights_14[0] == 5
    assert math.isnan(found.means["odi4"][0]) is not counts


def test_two_weeks_and_the_two_before() -> None:
    found = one(nights(*((back, 7.0, 10.0 if back < 14 else 20.0, 5.0, 60.0 * (back < 14)) for back in range(28))))
    assert (found.means["odi4"][0], found.before["odi4"][0]) == (10.0, 20.0)
    assert (found.means["wear_h"][0], found.before["wear_h"][0]) == (1.0, 0.0)
    assert (found.nights_14[0], found.nights_30[0]) == (14, 28)


def test_the_present_night_without_data_is_not_one_without() -> None:
    told = [(back, 7.0, 10.0, 5.0, NAN) for back in range(14)]
    assert one(nights(*told)).nights_14[0] == 14
    assert one(nights(*told), TONIGHT + timedelta(1)).nights_14[0] == 14
    assert one(nights(*told), TONIGHT + timedelta(2)).nights_14[0] == 13


def test_nights_ahead_of_the_clock_count() -> None:
    told = [(back, 7.0, 10.0, 5.0, NAN) for back in range(14)]
    found = one(nights(*told), TONIGHT - timedelta(10))
    assert (found.newest[0], found.nights_14[0]) == (TONIGHT.toordinal(), 14)


def test_wear_unknown_is_not_wear_of_none() -> None:
    found = one(nights(*((back, 7.0, 10.0, 5.0, NAN if back % 2 else 240.0) for back in range(14))))
    assert found.means["wear_h"][0] == 4.0


def test_a_night_is_whose_the_device_is_at_its_midnight() -> None:
    digest = nights(*((back, 7.0, 10.0, 5.0, NAN) for back in range(10)))
    change_ms = at_ms(TONIGHT - timedelta(4))
    given = [held("a", "d", 0, change_ms), held("b", "d", change_ms)]
    found = recent(given, {"d": digest}, {"a": 0, "b": 1}, [TONIGHT, TONIGHT])
    assert found.nights_30.tolist() == [5, 5]
    assert found.newest.tolist() == [(TONIGHT - timedelta(5)).toordinal(), TONIGHT.toordinal()]


def test_of_two_devices_the_one_with_more_valid_time_counts_and_the_longer_wear() -> None:
    first = nights(*((back, 5.0, 30.0, 5.0, 60.0) for back in range(4)))
    second = nights(*((back, 7.0, 10.0, 5.0, 30.0) for back in range(4)))
    for order in (("x", "y"), ("y", "x")):
        given = [held("p", name) for name in order]
        found = recent(given, {"x": first, "y": second}, {"p": 0}, [TONIGHT])
        assert (found.means["odi4"][0], found.means["wear_h"][0], found.nights_14[0]) == (10.0, 1.0, 4)
