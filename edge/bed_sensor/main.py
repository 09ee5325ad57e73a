"""The bed sensor's program: fed from the mains, it never sleeps; the timer samples while the loop writes and sends."""

from edge.bed_sensor.sensor import BedSensor
from edge.boards import pick
from edge.common.button import Button
from edge.common.device import Device
from edge.common.power import BED
from edge.common.radio import Radio
from edge.common.records import WAVE, WAVE_BYTES
from edge.common.store import Store

KIND = 2


def main() -> None:
    """Take in, keep, send; for ever."""
    board = pick.bed()
    store = Store(board.settings)
    device = Device(board, store, KIND, WAVE, WAVE_BYTES, "somnolink-bed", "bed sensor")
    sensor = BedSensor(board, device)
    radio = Radio(device, store)
    button = Button()
    while True:
        sensor.step()
        now_ms = device.now()[1]
        if button.step(board.pressed(), now_ms):
            device.factory_reset()
            board.restart()
        board.rest(radio.serve(BED["advertising_ms"], button.pairing(now_ms)))
