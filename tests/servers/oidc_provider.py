"""An OpenID Connect provider as a real HTTP server on loopback, with tokens that are really signed.

It lets in whoever its `person` is, without asking, and checks what a provider has to: the client and its secret, the
redirect address, the code's one use, PKCE. A test changes `claims`, `header` or `key` to have it give a wrong token.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

Person = dict[str, object]


class OidcProvider:
    """Serves until the end of the block.

    Attributes
    ----------
    issuer : str
        Its name, and its address.
    client, secret : str
        Whom it knows; an empty secret makes it a public client.
    person : dict
        Claims of who is let in.
    error : str
        If set, nobody is let in, and the browser is sent back with it.
    change : callable
        Has its way with a token's claims before they are signed.
    header : dict
        Of the next tokens.
    key : RSAKey or OctKey or None
        What tokens are signed with; None: `none`.
    answers : dict
        Documents by path that are given in place of the right ones.
    """

    def __init__(self, now_s: Callable[[], int], *, secret: str = "a secret of the client") -> None:
        self.client, self.secret = "somnolink", secret
        self.person: Person = {}
        self.error = ""
        self.change: Callable[[Person], object] = lambda claims: None
        self.key: RSAKey | OctKey | None = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.header = {"alg": "RS256", "kid": "first"}
        self.keys = [self.key]
        self.answers: dict[str, object] = {}
        self.asked: list[str] = []
        self._now_s = now_s
        self._codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                provider.asked.append(urlsplit(self.path).path)
                length = int(self.headers.get("Content-Length", 0))
                form = dict(parse_qsl(self.rfile.read(length).decode()))
                status, told = provider._answer(self.path, form, self.headers.get("Authorization", ""))
                body = b"" if status == 303 else json.dumps(told).encode()
                self.send_response(status)
                if status == 303:
                    self.send_header("Location", str(told))
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.block_on_close = False
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"

    def rotate(self) -> None:
        """Sign with a new key from now on, as a provider does now and then."""
        self.key = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
        self.keys, self.header = [self.key], {"alg": "RS256", "kid": "second"}

    def _answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, object]:
        where = urlsplit(path)
        if where.path in self.answers:
            return 200, self.answers[where.path]
        if where.path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        if where.path == "/keys":
            return 200, {"keys": [key.as_dict(private=False) for key in self.keys]}
        if where.path == "/authorize":
            return self._authorize(dict(parse_qsl(where.query)))
        if where.path == "/token":
            return self._token(form, authorization)
        return 404, {}

    def _authorize(self, asked: dict[str, str]) -> tuple[int, object]:
        wanted = {"response_type": "code", "client_id": self.client, "code_challenge_method": "S256"}
        if not wanted.items() <= asked.items() or "openid" not in asked["scope"].split():
            return 400, {"error": "invalid_request"}
        back = {"state": asked["state"], "iss": self.issuer}
        if self.error:
            back["error"] = self.error
        else:
            back["code"] = secrets.token_urlsafe(16)
            self._codes[back["code"]] = asked
        return 303, f"{asked['redirect_uri']}?{urlencode(back)}"

    def _token(self, form: dict[str, str], authorization: str) -> tuple[int, object]:
        named = base64.b64encode(f"{self.client}:{self.secret}".encode()).decode()
        known = authorization == f"Basic {named}" if self.secret else form.get("client_id") == self.client
        if not known:
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        claims: Person = {
            "iss": self.issuer,
            "aud": self.client,
            "iat": self._now_s(),
            "exp": self._now_s() + 300,
            "nonce": asked["nonce"],
            **self.person,
        }
        self.change(claims)
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self._signed(claims)}

    def _signed(self, claims: Person) -> str:
        if self.key is None:
            parts = (json.dumps(one).encode() for one in (self.header, claims))
            return ".".join(base64.urlsafe_b64encode(one).decode().rstrip("=") for one in parts) + "."
        return jwt.encode(self.header, claims, self.key)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
