"""The feed's way out to webhooks: signed, in order, tried again with longer and longer waits.

A request carries ``Somnolink-Event`` (the event's id: delivered at least once, so who has seen the id has seen the
event), ``Somnolink-Timestamp`` (seconds since 1970, when it was sent) and ``Somnolink-Signature``: ``v1=`` and the
HMAC-SHA256, in hex, of the timestamp, a full stop and the body, under the webhook's secret. An answer of 2xx takes the
event; 410 ends the webhook; anything else is tried again.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import threading
from dataclasses import replace
from typing import Final

import urllib3

from gateway.clock import Clock
from gateway.errors import ConfigurationError, StoreError
from gateway.service.records import Records, Webhook
from gateway.settings import read_secret
from gateway.wire.feed import encode_event

FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 3600.0
MOST_TRIES: Final = 24
"""With waits that double up to an hour: a receiver may be away for half a day before an event is given up."""

TIMEOUT_S: Final = 10.0
LOOK_EVERY_S: Final = 1.0
AT_ONCE: Final = 50

log = logging.getLogger(__name__)


def signature(secret: str, timestamp_s: int, body: bytes) -> str:
    """What ``Somnolink-Signature`` says."""
    digest = hmac.new(secret.encode(), b"%d." % timestamp_s + body, hashlib.sha256)
    return f"v1={digest.hexdigest()}"


def wait_s(tries: int) -> float:
    """How long to wait after so many failed tries."""
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(tries - 1, 12))


def secret_of(reference: str) -> str:
    """Read a secret from where a webhook's reference points.

    Raises
    ------
    ConfigurationError
        It is not there.
    """
    kind, _, place = reference.partition(":")
    found = os.environ.get(place) if kind == "env" else read_secret(place, "a webhook's secret")
    if not found:
        raise ConfigurationError(f"a webhook's secret is not in {reference}")
    return found


class WebhookSender:
    """Tells webhooks until stopped, on a thread of its own."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._http = urllib3.PoolManager(
            maxsize=4, timeout=urllib3.Timeout(total=TIMEOUT_S), retries=False, cert_reqs="CERT_REQUIRED"
        )
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self.delivered = 0
        self.failed = 0

    def start(self) -> None:
        """Begin."""
        self._records.alerts.listen(self._wake.set)
        self._thread.start()

    def stop(self) -> None:
        """End; what was not told is told after the next start."""
        self._records.alerts.unlisten(self._wake.set)
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._http.clear()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                for webhook in self._records.webhooks.list(active=True):
                    self._tell(webhook)
            except StoreError as error:
                log.warning("webhooks: %s", error)
            self._wake.wait(LOOK_EVERY_S)

    def _tell(self, webhook: Webhook) -> None:
        """Bring one address up to date, as far as it goes along."""
        if webhook.tries and self._clock.utc_ms() < webhook.next_ms:
            return
        for event in self._records.feed.after(webhook.seq, clinic=webhook.clinic, limit=AT_ONCE):
            if self._stop.is_set():
                return
            problem = self._post(webhook, event.id, encode_event(event))
            webhook = self._after(webhook, event.id, problem)
            self._records.webhooks.note(webhook)
            if webhook.tries or webhook.disabled_ms is not None:
                return

    def _post(self, webhook: Webhook, event: int, body: bytes) -> str | None:
        """Send one event; returns why it was not taken, None if it was."""
        try:
            timestamp_s = self._clock.utc_ms() // 1000
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "somnolink",
                "Somnolink-Event": str(event),
                "Somnolink-Timestamp": str(timestamp_s),
                "Somnolink-Signature": signature(secret_of(webhook.secret_ref), timestamp_s, body),
            }
            answer = self._http.request("POST", webhook.url, body=body, headers=headers, redirect=False)
        except ConfigurationError as error:
            return str(error)
        except urllib3.exceptions.HTTPError as error:
            return type(error).__name__
        return None if 200 <= answer.status < 300 else f"status {answer.status}"

    def _after(self, webhook: Webhook, event: int, problem: str | None) -> Webhook:
        if problem is None:
            self.delivered += 1
            return replace(webhook, seq=event, tries=0, next_ms=0, problem="")
        self.failed += 1
        now_ms = self._clock.utc_ms()
        if problem == "status 410":
            log.warning("webhook %s is gone and told no more", webhook.id)
            return replace(webhook, disabled_ms=now_ms, problem=problem)
        tries = webhook.tries + 1
        if tries >= MOST_TRIES:
            log.error("webhook %s: event %d is given up (%s)", webhook.id, event, problem)
            return replace(webhook, seq=event, tries=0, next_ms=0, given_up=webhook.given_up + 1, problem=problem)
        return replace(webhook, tries=tries, next_ms=now_ms + round(wait_s(tries) * 1000), problem=problem)
