"""InfluxDB 1.8's v2-compatible write endpoint, put in front of a running InfluxDB 1.x that lacks it (Debian's 1.6).

What 1.8 does is little: `/api/v2/write?org=&bucket=DATABASE/POLICY&precision=` is `/write?db=&rp=&precision=`, org is
not looked at, and `Authorization: Token user:password` is a user. All else is passed on. So the v2 dialect runs against
a real storage engine.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit

import urllib3

TOKEN = "reader:secret"


class InfluxV2Front:
    """A thread that serves on a free loopback port until the end of the block."""

    def __init__(self, backend_url: str) -> None:
        pool = urllib3.PoolManager(retries=False)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                url = urlsplit(self.path)
                if self.headers.get("Authorization") != f"Token {TOKEN}":
                    self._answer(401, b'{"code":"unauthorized","message":"Unauthorized"}')
                    return
                target = self.path
                if url.path == "/api/v2/write":
                    query = {name: values[0] for name, values in parse_qs(url.query).items()}
                    database = query["bucket"].split("/")[0]
                    target = "/write?" + urlencode({"db": database, "precision": query["precision"]})
                content_type = self.headers.get("Content-Type", "")
                response = pool.request("POST", backend_url + target, body=body, headers={"Content-Type": content_type})
                self._answer(response.status, response.data)

            def do_GET(self) -> None:
                response = pool.request("GET", backend_url + self.path)
                self._answer(response.status, response.data)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if status != 204:
                    self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.block_on_close = False
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
