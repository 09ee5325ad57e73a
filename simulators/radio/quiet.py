"""bumble writes its debug lines as f-strings, so it formats and colours each packet several times though nobody reads.

A simulated night has some hundred thousand packets: that is a third of its time. Unless debug logging of bumble is
on, packets are given a plain name and text no colour.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator


def quiet_bumble() -> None:
    """Take the cost out of bumble's debug lines for this process; does nothing where they are being logged."""
    if logging.getLogger("bumble").isEnabledFor(logging.DEBUG):
        return
    from bumble import att, hci, l2cap, smp

    roots: tuple[type, ...] = (hci.HCI_Packet, att.ATT_PDU, l2cap.L2CAP_PDU, l2cap.L2CAP_Control_Frame, smp.SMP_Command)
    for root in roots:
        for kind in (root, *_subclasses(root)):
            if "__str__" in vars(kind):
                setattr(kind, "__str__", object.__repr__)  # noqa: B010 - by assignment, the type checker objects
    for name, module in list(sys.modules.items()):
        if name.startswith("bumble.") and name != "bumble.colors" and hasattr(module, "color"):
            module.color = _plain  # type: ignore[attr-defined]  # each module has its own name for it


def _plain(text: str, *_: object, **__: object) -> str:
    return text


def _subclasses(root: type) -> Iterator[type]:
    kind: type
    for kind in type.__subclasses__(root):
        yield kind
        yield from _subclasses(kind)
