"""NOR flash in a file, for long runs in a small heap; its supply can be cut within a write."""

import random


class PowerCutError(Exception):
    """The supply went away."""


class FileFlash:
    """A block device in a file."""

    cut_in = 0
    """Writes until the supply goes within one; 0: it stays."""

    def __init__(self, path, blocks, block_size=4096, make=True):
        self.blocks = blocks
        self.block_size = block_size
        if make:
            blank = b"\xff" * 256
            with open(path, "wb") as file:
                for _ in range(blocks * block_size // 256):
                    file.write(blank)
        self.file = open(path, "r+b")  # noqa: SIM115  # closed with the process, as flash is
        self.erases = 0
        self.blank = bytearray(b"\xff" * 256)

    def readblocks(self, block, buffer, offset=0):
        self.file.seek(block * self.block_size + offset)
        self.file.readinto(buffer)

    def writeblocks(self, block, buffer, offset):
        if self.cut_in:
            self.cut_in -= 1
            if not self.cut_in:
                buffer = buffer[: random.randrange(len(buffer) - 1)]
                self.file.seek(block * self.block_size + offset)
                self.file.write(buffer)
                raise PowerCutError()
        self.file.seek(block * self.block_size + offset)
        self.file.write(buffer)

    def ioctl(self, op, arg):
        if op == 4:
            return self.blocks
        if op == 5:
            return self.block_size
        self.erases += 1
        self.file.seek(arg * self.block_size)
        for _ in range(self.block_size // 256):
            self.file.write(self.blank)
        return 0
