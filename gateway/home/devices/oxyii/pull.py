"""Pulling one stored file from an OxyII ring: open, read from an offset, end. No I/O."""

from __future__ import annotations

from gateway.errors import TransferError
from gateway.home.devices.oxyii.protocol import Frame, Op, decode_file_size, encode_frame, file_data, file_start
from gateway.wire.files.oxyii import is_complete

CHUNK_BYTES = 512
"""The most that a ring answers to one request for data."""

MAX_FILE_BYTES = 1 << 20
"""Two days at 1 Hz have half of it."""


class FilePull:
    """Which request to send next, and what its answer means.

    Send `next_request`, give the answer to `feed`, until `next_request` is None. Every new request has a new sequence
    number and the ring repeats it, so an answer that comes late or twice is recognised and dropped.

    What an earlier, broken pull had received may be given as `have`: its last bytes are read once more, and if they are
    still the same the pull goes on behind them, else from the beginning.

    Attributes
    ----------
    size : int or None
        The file's size as announced; None before it is open.
    duplicates : int
        Answers dropped because they were not to the last request.
    restarted : bool
        True where `have` did not belong to this file.
    closed : bool
        True once the ring has ended the reading.
    """

    def __init__(self, name: str, have: bytes = b"", *, first_seq: int = 0) -> None:
        self.name = name
        self._start = file_start(name)
        self._have = bytes(have)
        self._data = bytearray()
        self._state = Op.FILE_START
        self._seq = first_seq & 0xFF
        self.size: int | None = None
        self.duplicates = 0
        self.restarted = False
        self.closed = False

    @property
    def data(self) -> bytes:
        """The file's beginning as far as it is there: to be kept where the link breaks, for the next pull."""
        return bytes(self._data) if len(self._data) > len(self._have) else self._have

    @property
    def received(self) -> int:
        """Bytes of `data`."""
        return max(len(self._data), len(self._have))

    @property
    def complete(self) -> bool:
        """True once every byte announced has arrived and the file ends with its own end mark.

        A ring may announce the whole size before it has written the trailer: such a file is to be pulled again later.
        """
        return self._state is Op.FILE_END and is_complete(bytes(self._data))

    def next_request(self) -> bytes | None:
        """The request to send now; None when the reading is ended."""
        if self.closed:
            return None
        payload = {Op.FILE_START: self._start, Op.FILE_DATA: file_data(len(self._data))}.get(self._state, b"")
        return encode_frame(Frame(self._state, payload, self._seq))

    def feed(self, answer: Frame) -> None:
        """Take an answer.

        Raises
        ------
        TransferError
            The transfer has gone astray. `data` keeps what had arrived.
        """
        if self.closed or answer.op != self._state or answer.seq != self._seq:
            self.duplicates += 1
            return
        if self._state is Op.FILE_START:
            self._opened(decode_file_size(answer.data))
        elif self._state is Op.FILE_DATA:
            self._read(answer.data)
        else:
            self.closed = True
        self._seq = (self._seq + 1) & 0xFF

    def _opened(self, size: int) -> None:
        if size > MAX_FILE_BYTES:
            raise TransferError(f"file {self.name} cannot have {size} bytes")
        self.size = size
        if len(self._have) > size:
            self._restart()
        self._data[:] = self._have[: max(0, len(self._have) - CHUNK_BYTES)]
        self._state = Op.FILE_DATA if size else Op.FILE_END

    def _read(self, chunk: bytes) -> None:
        size, offset = self.size or 0, len(self._data)
        if not chunk:
            raise TransferError(f"file {self.name} ended at {offset} of {size} bytes")
        chunk = chunk[: size - offset]
        known = self._have[offset : offset + len(chunk)]
        if chunk[: len(known)] != known:
            self._restart()
        if len(self._data) == offset:
            self._data += chunk
        if len(self._data) == size:
            self._state = Op.FILE_END

    def _restart(self) -> None:
        """What was given does not belong to this file: all of it is read anew."""
        self._have = b""
        self._data.clear()
        self.restarted = True
