"""The recorder's program. Deep sleep starts it anew at every look, so what must last lies in the board's RTC memory."""

import json

from edge.boards import pick
from edge.common.button import Button
from edge.common.device import Device
from edge.common.radio import Radio
from edge.common.records import WEAR, WEAR_BYTES
from edge.common.store import Store
from edge.mad_recorder.recorder import Recorder

KIND = 1


def main() -> None:
    """Look, record, be found, sleep; for ever."""
    board = pick.recorder()
    store = Store(board.settings)
    kept = board.awake()
    state = None if kept is None else json.loads(kept)
    device = Device(
        board, store, KIND, WEAR, WEAR_BYTES, "somnolink-mad", "MAD recorder", None if state is None else state[0]
    )
    recorder = Recorder(board, device)
    if state is None:
        recorder.self_test()
        due_ms = device.now()[1]
    else:
        recorder.sampler.resume(state[1])
        due_ms = state[2]
    radio = Radio(device, store)
    button = Button()
    while True:
        now_ms = device.now()[1]
        if now_ms >= due_ms:
            due_ms = max(due_ms + recorder.step(), now_ms)
        if button.step(board.pressed(), now_ms):
            device.factory_reset()
            board.restart()
        rest_ms = radio.serve(recorder.advertising_ms(), button.pairing(now_ms))
        if rest_ms:
            board.rest(rest_ms)
        else:
            left_ms = max(due_ms - device.now()[1], 1)
            board.sleep(left_ms, json.dumps((device.awake(), recorder.sampler.state(), due_ms)).encode())
