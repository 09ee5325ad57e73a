"""The durable queue on disk: nothing leaves it before the service says that it is on its own disk."""

from gateway.home.outbox.outbox import Outbox, OutboxUse, Waiting
from gateway.home.outbox.policy import Limits

__all__ = ["Limits", "Outbox", "OutboxUse", "Waiting"]
