"""NOR flash for the firmware's tests, on CPython and MicroPython alike: it can be cut, torn and worn."""

FREE = 0xFF
ERASE_STEPS = 8  # a cut may fall between any two of these parts of an erase


class PowerCutError(Exception):
    """The supply went away."""


class NorFlash:
    """A block device with NOR semantics over a bytearray.

    `cut_after` counts bytes written (and parts erased) until the supply goes; the byte under way is left with `torn`
    of its bits not yet programmed. Writing a bit that is not erased fails the test at once.
    """

    def __init__(self, blocks, block_size=256, cells=None):
        self.blocks = blocks
        self.block_size = block_size
        self.cells = bytearray(b"\xff" * (blocks * block_size)) if cells is None else cells
        self.erases = [0] * blocks
        self.written = 0
        self.cut_after = None
        self.torn = 0
        self.stuck = {}  # address: bits that cannot be programmed

    def _spend(self):
        if self.cut_after is not None:
            if self.cut_after == 0:
                return False
            self.cut_after -= 1
        self.written += 1
        return True

    def readblocks(self, block, buffer, offset=0):
        at = block * self.block_size + offset
        assert 0 <= offset <= self.block_size - len(buffer)
        assert block in range(self.blocks)
        buffer[:] = self.cells[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset):
        at = block * self.block_size + offset
        assert 0 <= offset <= self.block_size - len(buffer)
        assert block in range(self.blocks)
        for index in range(len(buffer)):
            value = buffer[index]
            cell = self.cells[at + index]
            assert cell & value == value, "written without an erase before"
            if not self._spend():
                self.cells[at + index] = cell & (value | self.torn)
                raise PowerCutError()
            self.cells[at + index] = cell & (value | self.stuck.get(at + index, 0))

    def ioctl(self, op, arg):
        if op == 4:
            return self.blocks
        if op == 5:
            return self.block_size
        assert op == 6, "no such ioctl"
        self.erases[arg] += 1
        part = self.block_size // ERASE_STEPS
        for step in range(ERASE_STEPS):
            at = arg * self.block_size + step * part
            if not self._spend():
                for index in range(part):  # half erased: some bits up, some not
                    self.cells[at + index] |= 0x5A
                raise PowerCutError()
            for index in range(part):
                self.cells[at + index] = FREE
        return 0
