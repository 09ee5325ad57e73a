"""The ring log: what is acknowledged to the writer is there after any cut, torn page or flipped bit."""

from edge.common.ringlog import LogFullError, RingLog
from tests.unit.edge.flash import NorFlash, PowerCutError

SIZE = 6


def record(number):
    return bytes((number & 0x7F, number >> 7 & 0xFF, 1, 2, 3, 0xFF))


def mount(flash, boot=1):
    return RingLog(flash, 1, SIZE, boot)


def read_all(log, start=0):
    found = []
    at = start
    while True:
        entry = log.read(at)
        if entry is None:
            return found
        found.append((entry[0], entry[2]))
        at = entry[0] + 1


def refused(call, error, *arguments):
    try:
        call(*arguments)
    except error:
        return True
    return False


def test_a_new_log_is_empty():
    log = mount(NorFlash(4))
    assert (log.oldest, log.next, log.pending) == (0, 0, 0)
    assert log.read(0) is None


def test_records_come_back_in_order_and_after_a_mount():
    flash = NorFlash(4)
    log = mount(flash)
    for number in range(50):
        assert log.append(record(number)) == number
    expected = [(number, record(number)) for number in range(50)]
    assert read_all(log) == expected
    again = mount(flash, 2)
    assert again.log_id == log.log_id
    assert read_all(again) == expected
    assert read_all(again, 40) == expected[40:]
    assert again.append(record(50)) == 50


def test_what_is_no_record_is_refused():
    log = mount(NorFlash(4))
    assert refused(log.append, ValueError, b"short")
    assert refused(log.append, ValueError, b"\xff" + bytes(SIZE - 1))
    assert refused(RingLog, ValueError, NorFlash(4), 1, 0, 1)
    assert refused(RingLog, ValueError, NorFlash(4), 1, 253, 1)
    assert log.next == 0


def test_a_full_log_refuses_and_overwrites_nothing():
    flash = NorFlash(4)
    log = mount(flash)
    taken = 0
    while not refused(log.append, LogFullError, record(taken)):
        taken += 1
    assert taken >= log.capacity
    assert refused(log.append, LogFullError, record(0))
    assert read_all(log) == [(number, record(number)) for number in range(taken)]
    assert len(read_all(mount(flash))) == taken


def test_only_an_acknowledgement_frees_and_only_up_to_its_sequence():
    flash = NorFlash(4)
    log = mount(flash)
    taken = 0
    while not refused(log.append, LogFullError, record(taken)):
        taken += 1
    page = log.capacity // 3
    log.acknowledge(page - 2)  # one short of a page: nothing can be reused yet
    assert refused(log.append, LogFullError, record(taken))
    log.acknowledge(page - 1)
    assert log.append(record(taken)) == taken
    assert log.oldest == page
    assert read_all(log)[0] == (page, record(page))
    for wrong in (-1, taken + 1, taken + 1000, 1 << 32):
        assert refused(log.acknowledge, ValueError, wrong)
    assert log.oldest == page
    log.acknowledge(3)  # older than what is known: no error, no effect
    assert log.oldest == page


def test_a_boot_forgets_less_than_a_page_of_acknowledgements():
    for acknowledged in range(0, 75, 3):
        flash = NorFlash(4)
        log = mount(flash)
        page = log.capacity // 3
        for number in range(75):
            log.append(record(number))
        log.acknowledge(acknowledged)
        again = mount(flash)
        assert acknowledged + 1 - page < again.oldest <= acknowledged + 1
        assert read_all(again)[-1] == (74, record(74))


def test_blocks_wear_evenly():
    flash = NorFlash(8)
    log = mount(flash)
    for number in range(3000):
        log.acknowledge(log.append(record(number)))
    assert max(flash.erases) - min(flash.erases) <= 1
    assert min(flash.erases) > 10


def run(flash, boot, steps, seen, taken):
    """Append and acknowledge by turns; `taken` gets what the log confirmed, `seen` the highest acknowledged."""
    log = mount(flash, boot)
    for _ in range(steps):
        value = record(log.next)
        taken[log.append(value)] = value
        if log.next % 7 == 0:
            seen[0] = log.next - 5
            log.acknowledge(seen[0])


def check(flash, boot, seen, taken):
    log = mount(flash, boot)
    assert log.oldest <= seen[0] + 1
    found = dict(read_all(log))
    for sequence in taken:
        if sequence > seen[0]:
            assert found.get(sequence) == taken[sequence], sequence
    for sequence in found:
        if sequence in taken:
            assert found[sequence] == taken[sequence]
        else:  # the one under way, whole but not confirmed
            assert found[sequence] == record(sequence)
    return log


def test_a_cut_at_any_byte_loses_at_most_the_record_under_way():
    for torn in (0x00, 0xA5, 0xFF):
        cut = 0
        while True:
            flash = NorFlash(4, 128)
            flash.cut_after = cut
            flash.torn = torn
            seen, taken = [-1], {}
            try:
                run(flash, 1, 40, seen, taken)
                break
            except PowerCutError:
                pass
            flash.cut_after = None
            log = check(flash, 2, seen, taken)
            count = len(taken)
            assert log.next <= count + 1
            for _ in range(12):  # and it goes on
                try:
                    value = record(log.next)
                    taken[log.append(value)] = value
                except LogFullError:
                    log.acknowledge(log.next - 1)
                    seen[0] = log.next - 1
            check(flash, 3, seen, taken)
            cut += 1 if torn == 0xA5 else 3
        assert cut > 400


def test_cut_after_cut_the_log_is_found_again():
    flash = NorFlash(4, 128)
    flash.torn = 0x3C
    seen, taken = [-1], {}
    for boot in range(1, 300):
        flash.cut_after = boot * 7 % 53
        try:
            run(flash, boot, 1000, seen, taken)
        except PowerCutError:
            pass
        except LogFullError:
            flash.cut_after = None
            log = mount(flash, boot)
            seen[0] = log.next - 1
            log.acknowledge(seen[0])
        flash.cut_after = None
        check(flash, boot, seen, taken)
    assert len(taken) > 250


def test_a_flipped_bit_costs_at_most_one_record():
    flash = NorFlash(4, 128)
    log = mount(flash)
    for number in range(20):
        log.append(record(number))
    log.acknowledge(8)
    oldest = mount(flash).oldest
    whole = {entry[0]: entry[1] for entry in read_all(mount(flash))}
    for address in range(len(flash.cells)):
        for bit in (1, 0x10, 0x80):
            flash.cells[address] ^= bit
            again = mount(flash)
            found = dict(read_all(again))
            assert len([sequence for sequence in whole if found.get(sequence) != whole[sequence]]) <= 1
            for sequence in found:
                assert found[sequence] == record(sequence)
            assert again.oldest <= oldest
            flash.cells[address] ^= bit


def test_worn_cells_cost_slots_and_worn_headers_blocks_but_no_record():
    flash = NorFlash(5, 128)
    for address in (52 + 3, 52 + 9 * 4, 2 * 128 + 10, 2 * 128 + 30):
        flash.stuck[address] = 0xFF
    log = mount(flash)
    sequences = [log.append(record(number)) for number in range(1, 25)]
    assert len(set(sequences)) == 24
    entries = read_all(mount(flash))
    assert [entry[1] for entry in entries] == [record(number) for number in range(1, 25)]


def test_flash_that_holds_nothing_is_an_error_and_not_a_loss():
    flash = NorFlash(4)
    log = mount(flash)
    log.append(record(1))
    for address in range(len(flash.cells)):
        flash.stuck[address] = 0xFF
    assert refused(log.append, OSError, record(2))
    assert read_all(log) == [(0, record(1))]


def test_records_of_older_firmware_stay_readable():
    flash = NorFlash(4)
    old = mount(flash)
    for number in range(25):
        old.append(record(number))
    new = RingLog(flash, 2, 10, 2)
    assert new.next == 25
    assert new.append(bytes(10)) == 25
    assert new.append(bytes(10)) == 26
    assert [new.read(number)[1] for number in range(27)] == [1] * 25 + [2] * 2
    again = RingLog(flash, 2, 10, 3)
    assert (again.oldest, again.next) == (0, 27)
    assert again.read(24)[2] == record(24)
    again.acknowledge(24)  # the last of the old page, cut short by the new one
    assert RingLog(flash, 2, 10, 4).oldest == 25


def test_erase_forgets_and_begins_a_log_with_another_id():
    flash = NorFlash(4)
    log = mount(flash)
    for number in range(30):
        log.append(record(number))
    before = log.log_id
    log.erase()
    assert (log.next, log.read(0)) == (0, None)
    assert log.log_id != before
    log.append(record(0))
    assert mount(flash).log_id == log.log_id
