"""What a box is told that cannot join, and what it does not do."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from gateway.home import join as joining
from tests.integration.homes.clinic import WRONG, Clinic, join, run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["http://clinic.example", "0000-0000-0000"], "https://"),
        (["ftp://clinic.example", "0000"], "begins with https://"),
        (["https://user@clinic.example", "0000"], "begins with https://"),
        (["https://[", "0000"], "begins with https://"),
        (["https://clinic.example"], "address and the code"),
    ],
)
def test_what_is_no_address_and_code_is_one_clear_line(
    box: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run("join", *words) == 2
    assert re.fullmatch(f"somnolink: [^\n]*{re.escape(said)}[^\n]*\n", capsys.readouterr().err)


def test_a_wrong_code_is_told_in_the_clinics_words(
    shared: Clinic, box: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = box.read_text()
    assert join(shared, f"somnolink join {shared.url} 0000-0000-0000") == 5
    assert f"the clinic says no: {WRONG}" in capsys.readouterr().err
    assert box.read_text() == before


def test_an_authority_that_is_not_trusted_and_nobody_there(
    shared: Clinic, box: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("join", shared.url, "0000-0000-0000") == 5
    assert "CERTIFICATE_VERIFY_FAILED" in capsys.readouterr().err
    assert run("join", "http://127.0.0.1:9", "0000-0000-0000") == 5
    assert "does not answer" in capsys.readouterr().err
    assert run("join", shared.url, "0000", "--authority", str(box)) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>",
        b"{}",
        b'{"gateway":"../x","broker":"mqtt://a","password":"p"}',
        b'{"gateway":"service","broker":"mqtt://a","password":"p"}',
        b'{"gateway":"home-1","broker":"ftp://a","password":"p"}',
        b'{"gateway":"home-1","broker":"mqtt://a","password":"two\\nlines"}',
        b'{"gateway":"home-1","broker":"mqtt://a","password":""}',
    ],
)
def test_what_another_server_answers_goes_nowhere(box: Path, capsys: pytest.CaptureFixture[str], answer: bytes) -> None:
    with other_server(200, answer) as url:
        assert run("join", url, "0000-0000-0000") == 5
    assert capsys.readouterr().err.count("\n") == 1
    assert "[broker]" not in box.read_text()


def test_a_redirect_is_not_followed(shared: Clinic, box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with other_server(307, b"", shared.url + "/api/v1/homes/join") as url:
        assert run("join", url, "0000-0000-0000") == 5
    assert "status 307" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be"):
        joining.box_key(tmp_path / "file")


@contextmanager
def other_server(status: int, body: bytes, location: str = "") -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
