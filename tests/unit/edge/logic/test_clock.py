"""Ticks that wrap, boots, and dating from anchors."""

from edge.common.clock import ANCHORS_KEPT, TICK_MODULUS, Anchors, Ticks

DAY = 86_400_000
UTC = 1_760_000_000_000


def test_ticks_are_unwrapped_over_a_year():
    start = TICK_MODULUS - 5_000
    ticks = Ticks(start)
    for passed in range(0, 365 * DAY, 11 * DAY + 1234):
        assert ticks.update(start + passed) == passed
        assert ticks.update((start + passed) % TICK_MODULUS) == passed


def test_ticks_go_on_after_a_deep_sleep():
    ticks = Ticks(TICK_MODULUS - 10)
    ticks.update(TICK_MODULUS - 1)
    awake = Ticks(ticks.raw, ticks.elapsed_ms)
    assert awake.update(3) == 13
    assert awake.update(3) == 13


def test_a_boot_without_an_anchor_has_no_date():
    anchors = Anchors()
    anchors.add(2, 0, UTC, 20)
    assert anchors.date(1, 0) is None
    assert not anchors.has(1)
    assert anchors.has(2)


def test_data_before_the_first_anchor_is_dated_by_it_later():
    anchors = Anchors()
    assert anchors.date(1, 1000) is None
    anchors.add(1, 3 * DAY, UTC, 20)
    assert anchors.date(1, 0) == (UTC - 3 * DAY, 20 + 3 * DAY // 10_000)
    assert anchors.date(1, 4 * DAY) == (UTC + DAY, 20 + DAY // 10_000)


def test_steady_drift_cancels_between_anchors():
    for ppm in (-100, 0, 100):
        anchors = Anchors()
        for day in range(3):
            anchors.add(1, day * DAY + day * DAY * ppm // 1_000_000, UTC + day * DAY, 20)
        for true in range(0, 2 * DAY, 3_333_333):
            utc, uncertainty = anchors.date(1, true + true * ppm // 1_000_000)
            assert abs(utc - UTC - true) <= 2
            assert uncertainty <= 20 + DAY // 10_000


def test_an_anchor_dates_itself_as_exactly_as_it_was_given():
    anchors = Anchors([(1, 1000, UTC, 7), (1, 1000 + DAY, UTC + DAY, 9)])
    assert anchors.date(1, 1000) == (UTC, 9)
    assert anchors.date(1, 1000 + DAY) == (UTC + DAY, 9)


def test_the_first_of_a_boot_outlasts_the_bound():
    anchors = Anchors()
    anchors.add(1, 5, UTC, 20)
    for number in range(100):
        anchors.add(2, number * 1000, UTC + number * 1000, 20)
    assert len(anchors.entries) == ANCHORS_KEPT
    assert anchors.has(1)
    assert anchors.entries[1][1] == 0
    assert anchors.entries[-1][1] == 99_000
    for boot in range(3, 60):
        anchors.add(boot, 0, UTC, 20)
    assert len(anchors.entries) == ANCHORS_KEPT
    assert not anchors.has(1)
    assert anchors.has(59)
