"""InfluxDB 2.x and 3 Core cannot run here: what they are sent, and what is made of the answers they are known to give.

The answers are those of the generations' documentation and of reports from the field (2.7: 422 for a type conflict).
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.errors import StoreError, StoreRejectedError, StoreUnavailableError
from gateway.service.store.influx_http import QueryClient, SampleSeries, Series, V1Writer, V2Writer
from tests.servers.answering import Answer, AnsweringServer
from tests.servers.process import free_port

LINE = b"oximetry,device=d,lap=0,origin=live,revision=0,session=s spo2=97.5,absent=0i,seq=0i 1790000000000"

CONFLICT = (
    'input field \\"spo2\\" on measurement \\"oximetry\\" is type float, already exists as type integer dropped=1'
)

ANSWERS: list[tuple[str, Answer, type[StoreError], str]] = [
    (
        "2.7 type conflict",
        Answer(
            422,
            '{"code":"unprocessable entity","message":"failure writing points to database: partial write:'
            f' field type conflict: {CONFLICT}"}}',
        ),
        StoreRejectedError,
        "field type conflict",
    ),
    (
        "2.0 type conflict",
        Answer(400, f'{{"code":"invalid","message":"partial write: field type conflict: {CONFLICT}"}}'),
        StoreRejectedError,
        "field type conflict",
    ),
    (
        "2.x malformed line",
        Answer(400, '{"code":"invalid","message":"unable to parse \'oximetry\': missing fields"}'),
        StoreRejectedError,
        "missing fields",
    ),
    (
        "2.x beyond retention",
        Answer(
            422,
            '{"code":"unprocessable entity","message":"failure writing points to database: partial write: points beyond'
            ' retention policy dropped=1"}',
        ),
        StoreRejectedError,
        "beyond retention",
    ),
    (
        "2.x wrong token",
        Answer(401, '{"code":"unauthorized","message":"unauthorized access"}'),
        StoreUnavailableError,
        "refuses the user or token (401)",
    ),
    (
        "2.x no such bucket",
        Answer(404, '{"code":"not found","message":"bucket \\"sleep\\" not found"}'),
        StoreUnavailableError,
        "not found",
    ),
    (
        "2.x too many requests",
        Answer(429, '{"code":"too many requests","message":"limit reached"}', {"Retry-After": "30"}),
        StoreUnavailableError,
        "try again in 30 s",
    ),
    (
        "2.x overloaded",
        Answer(503, '{"code":"unavailable","message":"engine busy"}', {"Retry-After": "5"}),
        StoreUnavailableError,
        "try again in 5 s",
    ),
    (
        "2.x internal error",
        Answer(500, '{"code":"internal error","message":"unexpected error writing points to database: timeout"}'),
        StoreUnavailableError,
        "timeout",
    ),
    (
        "3 Core partial write",
        Answer(
            400,
            '{"error":"partial write of line protocol occurred","data":[{"original_line":"oximetry","line_number":1,'
            '"error_message":"invalid column type for column \'spo2\', expected iox::column_type::field::integer,'
            ' got iox::column_type::field::float"}]}',
        ),
        StoreRejectedError,
        "partial write of line protocol occurred",
    ),
    ("3 cluster partial write", Answer(201, '{"message":"partial write"}'), StoreRejectedError, "(201)"),
    (
        "3 Core wrong token",
        Answer(401, '{"error": "the request was not authenticated"}'),
        StoreUnavailableError,
        "(401)",
    ),
    ("a proxy's page", Answer(502, "<html>bad gateway</html>"), StoreUnavailableError, "bad gateway"),
    ("the connection breaks", Answer(0, drop=True), StoreUnavailableError, "does not answer"),
]


def test_a_v2_write_is_what_every_generation_takes() -> None:
    with AnsweringServer([Answer(204)]) as server:
        writer = V2Writer(server.url, "clinic", "sleep", "t0ken")
        writer.write(LINE)
        writer.close()
    (request,) = server.requests
    url = urlsplit(request.path)
    assert (request.method, url.path) == ("POST", "/api/v2/write")
    assert parse_qs(url.query) == {"org": ["clinic"], "bucket": ["sleep"], "precision": ["ms"]}
    assert request.headers["Authorization"] == "Token t0ken"
    assert request.headers["Content-Type"].startswith("text/plain")
    assert request.body == LINE


def test_a_v1_write_spells_its_precision_as_1_6_does() -> None:
    with AnsweringServer([Answer(204)]) as server:
        queries = QueryClient(server.url, "sleep", {}, create=True)
        writer = V1Writer(server.url, "sleep", {"Authorization": "Basic eDp5"}, queries)
        writer.write(LINE)
        writer.close()
    (request,) = server.requests
    url = urlsplit(request.path)
    assert (request.method, url.path) == ("POST", "/write")
    assert parse_qs(url.query) == {"db": ["sleep"], "precision": ["ms"]}
    assert request.headers["Authorization"] == "Basic eDp5"
    assert request.body == LINE


@pytest.mark.parametrize("dialect", ["v1", "v2"])
@pytest.mark.parametrize(("answer", "error", "text"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_an_answer_becomes_one_of_two_errors(dialect: str, answer: Answer, error: type[StoreError], text: str) -> None:
    with AnsweringServer([answer]) as server:
        queries = QueryClient(server.url, "sleep", {}, create=False)
        writer = (
            V2Writer(server.url, "clinic", "sleep", "t")
            if dialect == "v2"
            else V1Writer(server.url, "sleep", {}, queries)
        )
        with pytest.raises(error) as caught:
            writer.write(LINE)
        writer.close()
    if answer.status != 201:
        assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(server.requests) == 1, "retrying is the caller's"


def test_nobody_listens() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    queries = QueryClient(url, "sleep", {}, create=False)
    for call in (
        lambda: V2Writer(url, "o", "b", "t").write(LINE),
        lambda: V1Writer(url, "sleep", {}, queries).write(LINE),
        lambda: queries.query("SELECT 1", Series),
        queries.ping,
    ):
        with pytest.raises(StoreUnavailableError, match="does not answer"):
            call()


QUERY_ANSWERS = [
    (Answer(200, '{"results":[{"statement_id":0,"error":"database not found: sleep"}]}'), "database not found"),
    (Answer(401, '{"code":"unauthorized","message":"unauthorized access"}'), "(401)"),
    (Answer(404, '{"code":"not found","message":"no dbrp mapping found"}'), "no dbrp mapping"),
    (Answer(400, '{"error":"error parsing query: found SELEC"}'), "error parsing query"),
    (Answer(200, "<html>a login page</html>"), "none"),
    (Answer(200, '{"results":[{"series":[{"columns":["time"],"values":[["x"]]}]}]}'), "none"),
    (Answer(200, "", drop=True), "does not answer"),
]


@pytest.mark.parametrize(("answer", "text"), QUERY_ANSWERS)
def test_a_query_that_fails_can_be_tried_again(answer: Answer, text: str) -> None:
    with AnsweringServer([answer]) as server:
        queries = QueryClient(server.url, "sleep", {"Authorization": "Token t"}, create=False)
        with pytest.raises(StoreUnavailableError, match=text.replace("(", r"\(").replace(")", r"\)")):
            queries.query('SELECT "seq" FROM "oximetry"', SampleSeries)
        queries.close()
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/query")
    assert request.headers["Authorization"] == "Token t"
    assert parse_qs(request.body.decode()) == {
        "q": ['SELECT "seq" FROM "oximetry"'],
        "db": ["sleep"],
        "epoch": ["ms"],
    }


def test_minus_zero_survives_the_way_go_prints_it() -> None:
    body = '{"results":[{"statement_id":0,"series":[{"columns":["time","a","b"],"values":[[-0,-0,-0],[1,-0.5,10]]}]}]}'
    with AnsweringServer([Answer(200, body)]) as server:
        queries = QueryClient(server.url, "sleep", {}, create=False)
        (series,) = queries.query("SELECT", SampleSeries)
        queries.close()
    assert repr(series.values) == "[[-0.0, -0.0, -0.0], [1.0, -0.5, 10.0]]"
