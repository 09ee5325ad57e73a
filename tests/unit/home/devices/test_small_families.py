"""BerryMed, Jumper, Contec and EMAY, PC-60FW, blood pressure."""

from datetime import datetime

import pytest

from gateway.errors import ProtocolError
from gateway.home.devices.berrymed import protocol as berrymed
from gateway.home.devices.blood_pressure import protocol as blood_pressure
from gateway.home.devices.contec import protocol as contec
from gateway.home.devices.jumper import protocol as jumper
from gateway.home.devices.pc60fw import protocol as pc60fw
from gateway.home.devices.reading import OximeterReading
from gateway.wire.messages import OximetryFlag

BOTH_VALUES = OximeterReading(97.0, 72.0, valid=True)


class TestBerryMed:
    def test_a_packet_both_ways(self) -> None:
        packet = berrymed.decode_packet(bytes.fromhex("8528064861"))
        assert packet == berrymed.Packet(OximeterReading(97.0, 72.0, worn=True, valid=True), 5, 40, 6)
        assert berrymed.encode_packet(packet).hex() == "8528064861"

    def test_no_finger(self) -> None:
        packet = berrymed.decode_packet(bytes.fromhex("9f00507f7f"))
        assert packet.reading == OximeterReading(worn=False, status=("no_signal", "no_finger"))
        assert packet.reading.flags == OximetryFlag.NO_FINGER | OximetryFlag.POOR_SIGNAL
        assert berrymed.encode_packet(packet).hex() == "9f00507f7f"

    def test_a_pulse_above_127_has_its_eighth_bit_elsewhere(self) -> None:
        data = berrymed.encode_packet(berrymed.Packet(OximeterReading(90.0, 200.0, worn=True, valid=True), 1, 2, 3))
        assert data[2] & 0x40
        assert berrymed.decode_packet(data).reading.pulse_bpm == 200

    def test_a_stream_is_found_again_by_bit_seven(self) -> None:
        packet = bytes.fromhex("8528064861")
        assembler = berrymed.PacketAssembler()
        assert len(assembler.feed(packet[2:] + packet + packet[:2] + packet)) == 2
        assert assembler.discarded == 5

    @pytest.mark.parametrize("text", ["", "8528064", "85280648", "0528064861", "85a8064861", "852806486100"])
    def test_no_packet(self, text: str) -> None:
        with pytest.raises(ProtocolError):
            berrymed.decode_packet(bytes.fromhex(text if len(text) % 2 == 0 else text[:-1]))


class TestJumper:
    def test_values_both_ways(self) -> None:
        reading = jumper.decode_notification(bytes.fromhex("81386344"))
        assert reading == OximeterReading(99.0, 56.0, 6.8, valid=True)
        assert isinstance(reading, OximeterReading)
        assert jumper.encode_reading(reading).hex() == "81386344"

    def test_no_values(self) -> None:
        assert jumper.decode_notification(bytes.fromhex("81ff7f00")) == OximeterReading()
        assert jumper.encode_reading(OximeterReading()).hex() == "81ff7f00"

    def test_wave_form_both_ways(self) -> None:
        wave = jumper.Wave(bytes(range(10)))
        assert jumper.decode_notification(jumper.encode_wave(wave)) == wave
        for samples in (b"", bytes(20)):
            with pytest.raises(ProtocolError):
                jumper.encode_wave(jumper.Wave(samples))

    @pytest.mark.parametrize("text", ["", "80", "81", "813863", "8138634400", "82386344", "80" + "00" * 20])
    def test_no_message(self, text: str) -> None:
        with pytest.raises(ProtocolError):
            jumper.decode_notification(bytes.fromhex(text))


class TestContec:
    @pytest.mark.parametrize(
        ("text", "command"),
        [
            ("9b011c", contec.START),
            ("9b7f1a", contec.STOP),
            ("9a1a", contec.KEEP_ALIVE),
            ("8909", contec.HELLO),
            ("8e0513", contec.DEVICE_STATE),
            ("8606", contec.BATTERY),
            ("9b001b", contec.encode_command(0x9B, b"\0")),
            ("8101", contec.encode_command(0x81)),
            ("8202", contec.encode_command(0x82)),
            ("900515", contec.encode_command(0x90, b"\x05")),
            ("990019", contec.encode_command(0x99, b"\0")),
        ],
    )
    def test_commands_byte_for_byte(self, text: str, command: bytes) -> None:
        assert command.hex() == text
        decoded = contec.decode_command(command)
        assert contec.encode_command(decoded.code, decoded.argument) == command

    def test_values_both_ways(self) -> None:
        assert contec.decode_message(bytes.fromhex("eb010548617f0019")) == BOTH_VALUES
        assert contec.encode_reading(BOTH_VALUES).hex() == "eb010548617f0019"
        assert contec.decode_message(contec.encode_reading(OximeterReading())) == OximeterReading()

    def test_wave_form_and_battery_both_ways(self) -> None:
        for message, text in ((contec.Wave(72, 9, 3), "eb000348093f"), (contec.Battery(80.0), "f65046")):
            assert contec.decode_message(bytes.fromhex(text)) == message
        assert contec.encode_wave(contec.Wave(72, 9, 3)).hex() == "eb000348093f"
        assert contec.encode_battery(contec.Battery(80.0)).hex() == "f65046"

    def test_several_messages_in_one_notification(self) -> None:
        wave = bytes.fromhex("eb000348093f")
        assembler = contec.MessageAssembler()
        assert assembler.feed(wave + wave + contec.encode_reading(BOTH_VALUES)) == [contec.Wave(72, 9, 3)] * 2 + [
            BOTH_VALUES
        ]
        assert assembler.feed(b"\x00\xeb\x07" + wave[:3]) == []
        assert assembler.feed(wave[3:]) == [contec.Wave(72, 9, 3)]
        assert assembler.discarded == 3

    @pytest.mark.parametrize("text", ["", "eb", "eb010548617f0018", "eb010548617f19", "eb0269", "f66551", "9a1a"])
    def test_no_message(self, text: str) -> None:
        with pytest.raises(ProtocolError):
            contec.decode_message(bytes.fromhex(text))

    @pytest.mark.parametrize("text", ["", "9b", "9b011d", "eb010548617f0019", "7f7f", "80" + "00" * 20])
    def test_no_command(self, text: str) -> None:
        with pytest.raises(ProtocolError):
            contec.decode_command(bytes.fromhex(text))


class TestPc60fw:
    def test_values_both_ways(self) -> None:
        data = bytes.fromhex("aa550f0801603e005000c008")
        reading = pc60fw.decode_message(pc60fw.decode_frame(data))
        assert reading == OximeterReading(96.0, 62.0, 8.0, worn=True, valid=True)
        assert isinstance(reading, OximeterReading)
        assert pc60fw.encode_reading(reading) == data

    def test_no_finger(self) -> None:
        away = OximeterReading(worn=False, status=("no_finger", "searching"))
        assert pc60fw.decode_message(pc60fw.decode_frame(pc60fw.encode_reading(away))) == away

    def test_wave_form_battery_and_the_rest(self) -> None:
        frame = pc60fw.decode_frame(bytes.fromhex("aa550f07023b3835322fbd"))
        assert pc60fw.decode_message(frame) == pc60fw.Wave(bytes((59, 56, 53, 50, 47)))
        battery = pc60fw.Frame(pc60fw.DEVICE, pc60fw.BATTERY, b"\x03")
        assert pc60fw.decode_message(pc60fw.decode_frame(pc60fw.encode_frame(battery))) == pc60fw.Battery(3)
        other = pc60fw.Frame(pc60fw.OXIMETER, 0x21, b"\x01\x02\x03\x04")
        assert pc60fw.decode_message(pc60fw.decode_frame(pc60fw.encode_frame(other))) == other

    def test_frames_behind_garbage_and_in_pieces(self) -> None:
        wave = bytes.fromhex("aa550f07023b3835322fbd")
        stream = b"\xaa\xaa\x55\x01" + wave + b"\xaa\x55\x0f\x00" + wave
        for size in (1, 3, 20, 100):
            assembler = pc60fw.FrameAssembler()
            frames = [f for at in range(0, len(stream), size) for f in assembler.feed(stream[at : at + size])]
            assert frames == [pc60fw.decode_frame(wave)] * 2
            assert assembler.discarded == 8

    @pytest.mark.parametrize(
        "text", ["", "aa550f0701", "ab550f07023b3835322fbd", "aa550e07023b3835322fbd", "aa550f08023b3835322fbd"]
    )
    def test_no_frame(self, text: str) -> None:
        with pytest.raises(ProtocolError):
            pc60fw.decode_frame(bytes.fromhex(text))

    def test_values_too_short(self) -> None:
        with pytest.raises(ProtocolError):
            pc60fw.decode_message(pc60fw.Frame(pc60fw.OXIMETER, pc60fw.VALUES, bytes(4)))


class TestBloodPressure:
    FULL = blood_pressure.BloodPressure(
        120.0, 80.0, 93.0, 72.0, datetime.fromisoformat("2026-11-22T23:10:00"), 1, blood_pressure.Status.BODY_MOVEMENT
    )

    def test_every_field_both_ways(self) -> None:
        data = bytes.fromhex("1e780050005d00ea070b16170a004800010100")
        assert blood_pressure.encode_measurement(self.FULL) == data
        assert blood_pressure.decode_measurement(data) == self.FULL

    def test_the_least_both_ways(self) -> None:
        least = blood_pressure.BloodPressure(120.0, 80.0, None)
        assert blood_pressure.encode_measurement(least).hex() == "0078005000ff07"
        assert blood_pressure.decode_measurement(bytes.fromhex("0078005000ff07")) == least

    def test_kilopascal_become_millimetres_of_mercury(self) -> None:
        measurement = blood_pressure.decode_measurement(bytes.fromhex("01a0f06bf07cf0"))
        assert measurement.systolic_mmhg == pytest.approx(120.01, abs=0.005)
        assert measurement.diastolic_mmhg == pytest.approx(80.26, abs=0.005)

    @pytest.mark.parametrize(
        ("bits", "names"),
        [
            (0x0000, ()),
            (0x0027, ("body_movement", "cuff_too_loose", "irregular_pulse", "improper_position")),
            (0x0008, ("pulse_above_range",)),
            (0x0010, ("pulse_below_range",)),
            (0x0018, ()),
        ],
    )
    def test_what_the_status_says(self, bits: int, names: tuple[str, ...]) -> None:
        assert blood_pressure.status_names(blood_pressure.Status(bits)) == names

    def test_an_unknown_user_and_a_mad_clock(self) -> None:
        measurement = blood_pressure.decode_measurement(bytes.fromhex("0a780050005d00ea074416170a00ff"))
        assert (measurement.user, measurement.timestamp, measurement.clock_invalid) == (None, None, True)
        assert measurement.systolic_mmhg == 120

    @pytest.mark.parametrize(
        "text", ["", "00", "00780050005d", "00780050005d0000", "1e780050005d00ea070b16170a0048000101"]
    )
    def test_no_measurement(self, text: str) -> None:
        with pytest.raises(ProtocolError):
            blood_pressure.decode_measurement(bytes.fromhex(text))
