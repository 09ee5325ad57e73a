"""Pulling one stored file from an Oxy ring: open, read block by block, close. No I/O."""

from __future__ import annotations

from gateway.errors import TransferError
from gateway.home.devices.viatom.protocol import (
    Op,
    Response,
    decode_file_size,
    request_close,
    request_open,
    request_read,
)

BLOCK_BYTES = 512
"""What rings are seen to send a block. A pull does not rely on it: the first block read tells."""

MAX_BLOCKS = 1 << 16
SIZE_BYTES = 4

MAX_FILE_BYTES = 1 << 20
"""A ring's file of 18 h (the most that its 16-bit duration can say) at 1 s has 330 kB."""


class FilePull:
    """Which request to send next, and what its answer means.

    Send `next_request`, give the answer to `feed`, until `next_request` is None. A time-out changes nothing: the same
    request is then asked for again, and an answer that came late or twice is recognised and dropped.

    What an earlier, broken pull had received may be given as `have`. The file's first block is read once more: that
    tells the ring's block size and shows whether the file under this name is still the same one. If so, the pull goes
    on at the last whole block; if not, from the beginning.

    Parameters
    ----------
    name : str
        As the device information lists it.
    have : bytes
        The beginning of the file, from an earlier pull.

    Attributes
    ----------
    size : int or None
        The file's size as announced; None before the file is open.
    duplicates : int
        Answers dropped because they were not to the last request.
    restarted : bool
        True where `have` did not belong to this file.
    closed : bool
        True once the ring has closed the file.
    """

    def __init__(self, name: str, have: bytes = b"") -> None:
        self.name = name
        self._open = request_open(name)
        self._state = Op.OPEN
        self._have = bytes(have)
        self._block_bytes = 0
        self._data = bytearray()
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
        """True once every byte announced has arrived."""
        return self._state is Op.CLOSE

    @property
    def _block(self) -> int:
        """Number of the block to read next."""
        return len(self._data) // self._block_bytes if self._block_bytes else 0

    def next_request(self) -> bytes | None:
        """The request to send now; None when the file is closed."""
        if self.closed:
            return None
        if self._state is Op.OPEN:
            return self._open
        return request_read(self._block) if self._state is Op.READ else request_close()

    def feed(self, response: Response) -> None:
        """Take an answer.

        Raises
        ------
        TransferError
            The ring refuses, or the transfer has gone astray. `data` keeps what had arrived.
        """
        if self.closed or (response.data and self._state is Op.CLOSE):
            self.duplicates += 1
        elif self._state is Op.CLOSE:
            self.closed = True
        elif response.status != 0:
            raise TransferError(f"the ring refuses file {self.name} (status {response.status})")
        elif self._state is Op.READ:
            self._read(response)
        elif len(response.data) == SIZE_BYTES:
            self._opened(decode_file_size(response.data))
        else:
            self.duplicates += 1

    def _opened(self, size: int) -> None:
        if size > MAX_FILE_BYTES:
            raise TransferError(f"file {self.name} cannot have {size} bytes")
        self.size = size
        if len(self._have) > size:
            self._restart()
        self._state = Op.READ if size else Op.CLOSE

    def _read(self, response: Response) -> None:
        size, block = self.size or 0, response.data
        opened_twice = self._block_bytes == 0 and size > SIZE_BYTES and block == size.to_bytes(SIZE_BYTES, "little")
        if response.block < self._block or opened_twice:
            self.duplicates += 1
            return
        if response.block > self._block:
            raise TransferError(f"block {self._block} of file {self.name} asked for, {response.block} came")
        if not block:
            raise TransferError(f"file {self.name} ended at {len(self._data)} of {size} bytes")
        missing = size - len(self._data)
        if self._block_bytes and len(block) < missing and len(block) != self._block_bytes:
            raise TransferError(f"a block of {len(block)} bytes amid blocks of {self._block_bytes}")
        self._data += block[:missing]
        if self._block_bytes == 0:
            self._first_block(len(block))
        if len(self._data) == size:
            self._state = Op.CLOSE

    def _first_block(self, block_bytes: int) -> None:
        """The block size is known now; go on behind what an earlier pull had, if it began alike."""
        if (self.size or 0) > block_bytes * MAX_BLOCKS:
            raise TransferError(f"blocks of {block_bytes} bytes cannot carry file {self.name}")
        self._block_bytes = block_bytes
        known = min(len(self._have), len(self._data))
        if self._have[:known] != self._data[:known]:
            self._restart()
        whole = len(self._have) if len(self._have) == self.size else len(self._have) // block_bytes * block_bytes
        if whole > len(self._data):
            self._data[:] = self._have[:whole]

    def _restart(self) -> None:
        """What was given does not belong to this file."""
        self._have = b""
        self.restarted = True
