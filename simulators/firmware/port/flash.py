"""NOR flash in a file of the machine that simulates: it outlasts the process, however that ends."""

BLOCK_BYTES = 4096


class FileFlash:
    """Erase blocks of 4 KiB, as many as the file has. A write only ever clears bits, an erase sets a whole block's."""

    def __init__(self, path: str) -> None:
        self._blank = b"\xff" * 256
        self._file = open(path, "r+b")  # noqa: SIM115  # for as long as the process lives
        self._blocks = self._file.seek(0, 2) // BLOCK_BYTES

    def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        """Fill `buffer`."""
        self._file.seek(block * BLOCK_BYTES + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block: int, buffer: bytes, offset: int = 0) -> None:
        """Program."""
        was = bytearray(len(buffer))
        self.readblocks(block, was, offset)
        if was != self._blank[: len(was)]:
            buffer = bytes([was[at] & buffer[at] for at in range(len(was))])
        self._file.seek(block * BLOCK_BYTES + offset)
        self._file.write(buffer)

    def ioctl(self, op: int, argument: int) -> int:
        """4: number of blocks; 5: their size; 6: erase one."""
        if op == 4:
            return self._blocks
        if op == 5:
            return BLOCK_BYTES
        self._file.seek(argument * BLOCK_BYTES)
        for _ in range(BLOCK_BYTES // 256):
            self._file.write(self._blank)
        return 0
