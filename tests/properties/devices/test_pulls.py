"""A file pulled over a link that loses, doubles, delays and breaks is the file."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.home.devices.oxyii import protocol as oxyii
from gateway.home.devices.oxyii.pull import FilePull as OxyIIPull
from gateway.home.devices.viatom import protocol as oxy
from gateway.home.devices.viatom.pull import FilePull
from gateway.wire.files.oxyii import MAGIC

NAME = "20260116233312"
faults = st.lists(st.sampled_from(["lost", "twice", "late", "broken", ""]), max_size=40)


def ring_answer(request: bytes, file: bytes, block_bytes: int) -> oxy.Response:
    asked = oxy.decode_request(request)
    if asked.op == oxy.Op.OPEN:
        return oxy.Response(0, 0, len(file).to_bytes(4, "little"))
    if asked.op == oxy.Op.READ:
        return oxy.Response(0, asked.block, file[asked.block * block_bytes :][:block_bytes])
    return oxy.Response(0)


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=5, max_size=3000), st.sampled_from([64, 200, 512]), faults)
def test_an_oxy_file_survives_every_link(file: bytes, block_bytes: int, trouble: list[str]) -> None:
    pull, late, script = FilePull(NAME), list[oxy.Response](), iter(trouble)
    while (request := pull.next_request()) is not None:
        answer = ring_answer(request, file, block_bytes)
        match next(script, ""):
            case "lost":
                continue
            case "twice":
                pull.feed(answer)
                pull.feed(answer)
            case "late":
                late.append(answer)  # the request is repeated; both answers come
                pull.feed(ring_answer(request, file, block_bytes))
                pull.feed(late.pop())
            case "broken":
                pull = FilePull(NAME, pull.data)
            case _:
                pull.feed(answer)
    assert pull.complete
    assert pull.data == file


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=10, max_size=3000), st.sampled_from([64, 200, 512]), faults)
def test_an_oxyii_file_survives_every_link(body: bytes, chunk: int, trouble: list[str]) -> None:
    file = body + bytes(4) + MAGIC.to_bytes(4, "little") + bytes(40)
    pull, before, script = OxyIIPull(NAME), oxyii.Frame(oxyii.Op.FILE_END, answer=True), iter(trouble)
    while (request := pull.next_request()) is not None:
        asked = oxyii.decode_frame(request)
        data = b""
        if asked.op == oxyii.Op.FILE_START:
            data = len(file).to_bytes(4, "little")
        elif asked.op == oxyii.Op.FILE_DATA:
            data = file[int.from_bytes(asked.data, "little") :][:chunk]
        answer = oxyii.Frame(asked.op, data, asked.seq, answer=True)
        match next(script, ""):
            case "lost":
                continue
            case "twice":
                pull.feed(answer)
                pull.feed(answer)
            case "late":
                pull.feed(before)
                pull.feed(answer)
            case "broken":
                pull = OxyIIPull(NAME, pull.data, first_seq=asked.seq + 1)
            case _:
                pull.feed(answer)
        before = answer
    assert pull.complete
    assert pull.data == file
