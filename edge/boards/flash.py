"""Flash under the ring log where a board's own block device does not suit it."""

_PAGE = 256


class PagedFlash:
    """Byte-wise writes on a flash that programs whole pages of 256 bytes (the Pico's `rp2.Flash`).

    A page is programmed again with 0xFF for what is not written now: on NOR flash that leaves those bytes alone.
    """

    def __init__(self, flash: object):
        self._flash = flash

    def readblocks(self, block: int, buffer: bytearray, offset: int) -> None:
        """As the block device underneath."""
        self._flash.readblocks(block, buffer, offset)

    def writeblocks(self, block: int, buffer: bytes, offset: int) -> None:
        """Write any bytes that have been erased."""
        at = 0
        while at < len(buffer):
            start = (offset + at) % _PAGE
            count = min(_PAGE - start, len(buffer) - at)
            page = bytearray(b"\xff" * _PAGE)
            page[start : start + count] = buffer[at : at + count]
            self._flash.writeblocks(block, page, offset + at - start)
            at += count

    def ioctl(self, op: int, argument: int) -> int:
        """As the block device underneath."""
        return self._flash.ioctl(op, argument)
