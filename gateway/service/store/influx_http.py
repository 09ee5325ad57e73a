"""What goes over HTTP to InfluxDB: line protocol in, in two dialects; InfluxQL out, in one.

Every answer but success becomes one of the store's two errors, and every failure of the network the first of them:
400 and 422 (no retry helps; what was well-formed may have been written) `StoreRejectedError`, all else
`StoreUnavailableError`.
"""

from __future__ import annotations

import re
from typing import Final, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec
import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService

from gateway.errors import StoreError, StoreRejectedError, StoreUnavailableError

TIMEOUT_S: Final = 30.0
"""For one request. A commit of 512 batches took 0.3 s on a small machine; beyond this the server is as good as away."""

REJECTED: Final = frozenset({201, 400, 422})
"""201: a 3.x cluster's partial write. 422: how 2.7 answers a type conflict and a point beyond the retention."""

_MESSAGE_CHARS: Final = 300

# Go prints a float of minus zero as -0, which decoders take for the integer 0
_MINUS_ZERO: Final = re.compile(rb"(?<=[,\[])-0(?=[,\]])")


class Series(msgspec.Struct):
    """One series of an answer; numbers as floats (exact for our integers, which stay below 2^53)."""

    columns: list[str]
    values: list[list[float | str | None]] = []
    tags: dict[str, str] = {}


class SampleSeries(msgspec.Struct):
    """A series with numbers only."""

    columns: list[str]
    values: list[list[float | None]] = []
    tags: dict[str, str] = {}


AnySeries = TypeVar("AnySeries", Series, SampleSeries)


class _Result(msgspec.Struct):
    series: list[msgspec.Raw] = []
    error: str | None = None


class _Answer(msgspec.Struct):
    results: list[_Result] = []
    error: str | None = None


def failure(status: int, body: bytes | str | None, retry_after: str | None) -> StoreError:
    """The error that an HTTP answer stands for.

    Bodies: 1.x ``{"error": text}``; 2.x ``{"code": ..., "message": text}``; 3 Core ``{"error": text, "data": [...]}``
    with the lines that were refused.
    """
    raw = body.decode("utf-8", "replace") if isinstance(body, bytes) else body or ""
    text = " ".join(raw.split())[:_MESSAGE_CHARS] or "no reason given"
    if status in REJECTED:
        return StoreRejectedError(f"InfluxDB will not store this ({status}): {text}")
    if status in (401, 403):
        return StoreUnavailableError(f"InfluxDB refuses the user or token ({status}): {text}")
    wait = f", try again in {retry_after} s" if retry_after else ""
    return StoreUnavailableError(f"InfluxDB takes nothing now ({status}{wait}): {text}")


def basic_auth(user: str, password: str) -> dict[str, str]:
    """The header for a user of InfluxDB 1.x."""
    return dict(urllib3.make_headers(basic_auth=f"{user}:{password}"))


class Writer(Protocol):
    """Writes line protocol with millisecond times; returns when the server has it on disk."""

    def write(self, lines: bytes) -> None:
        """Write one request's lines."""

    def close(self) -> None:
        """Let go of connections."""


class QueryClient:
    """InfluxQL over `/query`, which every generation speaks.

    Parameters
    ----------
    headers : dict of str to str
        With the authorisation.
    create : bool
        Make the database where it is missing (1.x; the later ones map a bucket to it).
    """

    def __init__(self, url: str, database: str, headers: dict[str, str], *, create: bool) -> None:
        self._url = url
        self._database = database
        self._create = create
        self._http = urllib3.PoolManager(maxsize=8, headers=headers, timeout=TIMEOUT_S, retries=False)

    def query(self, statement: str, kind: type[AnySeries]) -> list[AnySeries]:
        """The series that a statement gives."""
        body = self._post(statement)
        if kind is SampleSeries:
            body = _MINUS_ZERO.sub(b"-0.0", body)
        series = []
        try:
            answer = msgspec.json.decode(body, type=_Answer)
            for result in answer.results:
                if result.error is not None:
                    self._fail(result.error, statement)
                series += [msgspec.json.decode(raw, type=kind) for raw in result.series]
        except msgspec.DecodeError as error:
            raise StoreUnavailableError(f"InfluxDB gave an answer that is none: {error}") from error
        return series

    def create_database(self) -> None:
        """Make the database (1.x): no error where it exists."""
        self._post(f'CREATE DATABASE "{self._database}"')

    def ping(self) -> None:
        """Return if the server answers."""
        status, body = self._request("GET", "/ping")
        if status >= 400:
            raise failure(status, body, None)

    def close(self) -> None:
        """Let go of connections."""
        self._http.clear()

    def _fail(self, error: str, statement: str) -> None:
        if self._create and error.startswith("database not found"):
            self.create_database()
            return
        raise StoreUnavailableError(f"InfluxDB cannot answer {statement.split()[0]}: {error[:_MESSAGE_CHARS]}")

    def _post(self, statement: str) -> bytes:
        fields = {"q": statement, "db": self._database, "epoch": "ms"}
        status, body = self._request("POST", "/query", fields)
        if status != 200:
            text = failure(status, body, None)
            raise StoreUnavailableError(str(text))
        return body

    def _request(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, bytes]:
        try:
            if fields is None:
                response = self._http.request(method, self._url + path)
            else:
                response = self._http.request_encode_body(method, self._url + path, fields, encode_multipart=False)
        except urllib3.exceptions.HTTPError as error:
            raise StoreUnavailableError(f"InfluxDB at {self._url} does not answer: {error}") from error
        return response.status, response.data


class V1Writer:
    """`/write` of InfluxDB 1.x. Its precision is spelled `ms`: 1.6 takes an unknown one for nanoseconds, with a 204."""

    def __init__(self, url: str, database: str, headers: dict[str, str], queries: QueryClient) -> None:
        self._url = f"{url}/write?{urlencode({'db': database, 'precision': 'ms'})}"
        self._queries = queries
        self._http = urllib3.PoolManager(maxsize=1, headers=headers, timeout=TIMEOUT_S, retries=False)

    def write(self, lines: bytes) -> None:
        """Write one request's lines, making the database if it is missing."""
        response = self._post(lines)
        if response.status == 404 and b"database not found" in response.data:
            self._queries.create_database()
            response = self._post(lines)
        if response.status not in (200, 204):
            raise failure(response.status, response.data, response.headers.get("Retry-After"))

    def close(self) -> None:
        """Let go of connections."""
        self._http.clear()

    def _post(self, lines: bytes) -> urllib3.BaseHTTPResponse:
        try:
            return self._http.request("POST", self._url, body=lines)
        except urllib3.exceptions.HTTPError as error:
            raise StoreUnavailableError(f"InfluxDB at {self._url} does not answer: {error}") from error


class V2Writer:
    """`/api/v2/write` of InfluxDB 1.8, 2.x and 3 Core, through influxdb-client.

    Its service is used below `WriteApi`, which hides the status: a 201 (partial write) would pass for success.
    """

    def __init__(self, url: str, org: str, bucket: str, token: str) -> None:
        self._url = url
        self._org = org
        self._bucket = bucket
        self._client = InfluxDBClient(url, token=token, org=org, timeout=int(TIMEOUT_S * 1000), retries=False)
        # the package is marked as typed, but these are not
        self._service = WriteService(self._client.api_client)  # type: ignore[no-untyped-call]  # see above

    def write(self, lines: bytes) -> None:
        """Write one request's lines."""
        try:
            _, status, headers = self._service.post_write_with_http_info(  # type: ignore[no-untyped-call]  # see above
                self._org, self._bucket, lines, precision="ms", content_type="text/plain; charset=utf-8"
            )
        except ApiException as error:
            retry_after = error.headers.get("Retry-After") if error.headers else None
            raise failure(int(error.status or 0), error.body, retry_after) from error
        except urllib3.exceptions.HTTPError as error:
            raise StoreUnavailableError(f"InfluxDB at {self._url} does not answer: {error}") from error
        if status not in (200, 204):
            raise failure(int(status), "the write was partial", headers.get("Retry-After"))

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()  # type: ignore[no-untyped-call]  # see above
