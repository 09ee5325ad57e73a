"""OpenID Connect: a provider says who somebody is (OpenID Connect Core 1.0, authorization code with PKCE).

Nothing is kept between the two requests but in the browser that asks: state, nonce and PKCE's verifier stand in a
cookie of its own, so that an answer is taken by the browser that began, once, and no stranger fills the records.
"""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import KeySet

from gateway.clock import Clock
from gateway.errors import ConfigurationError, SignInError, SignInReason
from gateway.service.sign_in.codes import random_text
from gateway.settings import SignInSettings

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
"""Signatures by a key that the provider alone has. Neither `none` nor one by the client's secret."""

LEEWAY_S: Final = 60
"""By how much the provider's clock may differ from ours."""

KEPT_MS: Final = 3_600_000
"""After so long the provider's addresses and keys are asked for anew."""

TIMEOUT_S: Final = 5.0
"""For each of at most four requests: a person waits for them."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun.

    Attributes
    ----------
    url : str
        Where the browser goes.
    kept : str
        What the browser's cookie keeps until it comes back.
    """

    url: str
    kept: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider means.

    Attributes
    ----------
    subject : str
        The provider's own id of somebody, which never changes.
    name : str or None
        The claim by which a user is found; None if there is none, or the address in it was not verified.
    second_factor : bool
        The provider says that more than one factor was asked for (``mfa`` of RFC 8176).
    """

    issuer: str
    subject: str
    name: str | None
    second_factor: bool


@dataclass(frozen=True, slots=True)
class _Known:
    """What the provider tells of itself."""

    authorization: str
    token: str
    jwks: str
    keys: KeySet
    at_ms: int


class Provider:
    """One provider, asked for its addresses and keys when somebody first signs in by it.

    Raises
    ------
    ConfigurationError
        If the settings lack something, or it would be asked by plain HTTP.
    """

    def __init__(self, settings: SignInSettings, secret: str | None, clock: Clock) -> None:
        if not settings.oidc_client_id:
            raise ConfigurationError("sign_in.oidc_issuer needs a sign_in.oidc_client_id")
        self.name: Final = settings.oidc_name or urlsplit(settings.oidc_issuer).hostname or settings.oidc_issuer
        self._issuer = settings.oidc_issuer
        self._client = settings.oidc_client_id
        self._claim = settings.oidc_claim
        self._secret = secret
        self._clock = clock
        self._http = httpx.Client(timeout=TIMEOUT_S)
        self._known: _Known | None = None
        self._asking = threading.Lock()
        if not _is_safe(self._issuer):
            raise ConfigurationError("sign_in.oidc_issuer is an https:// address")

    def begin(self, redirect: str) -> Begun:
        """Make the address at the provider that somebody is sent to, to come back to `redirect`.

        Raises
        ------
        SignInError
            If the provider does not answer.
        """
        state, nonce, verifier = (random_text() for _ in range(3))
        url = prepare_grant_uri(
            self._find().authorization,
            self._client,
            "code",
            redirect_uri=redirect,
            scope="openid email profile",
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return Begun(str(url), f"{state}.{nonce}.{verifier}")

    def finish(self, kept: str, answer: Mapping[str, str], redirect: str) -> Identity:
        """Look at the provider's answer, and fetch and check its token.

        Parameters
        ----------
        kept : str
            Of the browser's cookie.
        answer : mapping of str to str
            Parameters that the browser came back with: ``state`` with ``code`` or ``error``, perhaps ``iss``.

        Raises
        ------
        SignInError
            If it is no answer to what this browser asked, or the token does not hold.
        """
        state, nonce, verifier = [*kept.split("."), "", "", ""][:3]
        same = hmac.compare_digest(state.encode(), answer.get("state", "").encode())
        if not (state and nonce and verifier and same):
            raise SignInError(SignInReason.NOT_BEGUN, "this sign-in was not begun in this browser: begin again")
        if answer.get("iss", self._issuer) != self._issuer:
            raise SignInError(SignInReason.NOT_BEGUN, "the answer is another provider's (RFC 9207)")
        if "code" not in answer:
            raise SignInError(SignInReason.PROVIDER_REFUSED, f"{self.name} did not let you in")
        claims = self._checked(self._redeem(answer["code"], verifier, redirect), nonce)
        return Identity(self._issuer, str(claims["sub"]), self._name_of(claims), _has_mfa(claims))

    def _name_of(self, claims: Mapping[str, object]) -> str | None:
        name = claims.get(self._claim)
        if self._claim == "email" and claims.get("email_verified") is not True:
            return None
        return name if isinstance(name, str) and name.isprintable() else None

    def _redeem(self, code: str, verifier: str, redirect: str) -> str:
        """The identity token for a code."""
        body = prepare_token_request("authorization_code", code=code, redirect_uri=redirect, code_verifier=verifier)
        method = "none" if self._secret is None else "client_secret_basic"
        form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        address = self._find().token
        # A public client names itself in the body (RFC 6749, 4.1.3).
        body = body if self._secret else f"{body}&{httpx.QueryParams(client_id=self._client)}"
        _, headers, sent = ClientAuth(self._client, self._secret, method).prepare("POST", address, form, body)
        token = self._ask("POST", address, headers=headers, content=sent).get("id_token")
        if not isinstance(token, str):
            raise self._away("no identity token")
        return token

    def _checked(self, token: str, nonce: str) -> dict[str, object]:
        """A token's claims (OpenID Connect Core 1.0, 3.1.3.7)."""
        rules = jwt.JWTClaimsRegistry(
            now=self._clock.utc_ms() // 1000,
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            try:
                found = jwt.decode(token, self._find().keys, list(ALGORITHMS)).claims
            except (JoseError, ValueError):
                # Keys change now and then; a wrong signature costs one question more.
                found = jwt.decode(token, self._find(anew=True).keys, list(ALGORITHMS)).claims
            rules.validate(found)
        except ExpiredTokenError:
            raise SignInError(SignInReason.TOKEN_WRONG, f"the token of {self.name} has expired") from None
        except (JoseError, ValueError) as error:
            text = f"the token of {self.name} does not hold: {type(error).__name__} {_claim_of(error)}".rstrip()
            raise SignInError(SignInReason.TOKEN_WRONG, text) from None
        others = found["aud"] if isinstance(found["aud"], list) else []
        if len(others) > 1 and found.get("azp") != self._client:
            raise SignInError(SignInReason.TOKEN_WRONG, f"the token of {self.name} is for another as well")
        return dict(found)

    def _find(self, *, anew: bool = False) -> _Known:
        """The provider's addresses and keys."""
        with self._asking:
            now_ms = self._clock.utc_ms()
            if self._known is None or anew or now_ms - self._known.at_ms >= KEPT_MS:
                told = self._ask("GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
                if told.get("issuer") != self._issuer:
                    raise self._away("it names itself otherwise")
                wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
                authorization, token, jwks = (str(told.get(one, "")) for one in wanted)
                if not all(_is_safe(one) for one in (authorization, token, jwks)):
                    raise self._away("its addresses are not https://")
                self._known = _Known(authorization, token, jwks, self._keys(jwks), now_ms)
            return self._known

    def _keys(self, address: str) -> KeySet:
        listed = self._ask("GET", address).get("keys")
        usable = [
            one
            for one in (listed if isinstance(listed, list) else [])
            if isinstance(one, dict) and one.get("kty") in ("RSA", "EC") and one.get("use", "sig") == "sig"
        ]
        try:
            return KeySet.import_key_set({"keys": usable})
        except (JoseError, ValueError, KeyError):
            raise self._away("its keys cannot be read") from None

    def _ask(
        self, method: str, address: str, *, headers: Mapping[str, str] | None = None, content: str | None = None
    ) -> dict[str, object]:
        try:
            answer = self._http.request(method, address, headers=headers, content=content)
            told = answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, httpx.InvalidURL, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise self._away(type(error).__name__) from None
        if not isinstance(told, dict):
            raise self._away(f"status {answer.status_code}")
        return told

    def _away(self, why: str) -> SignInError:
        return SignInError(SignInReason.PROVIDER_AWAY, f"{self.name} does not answer as it should: {why}")


def _is_safe(address: str) -> bool:
    """Whether nobody on the way can read or change what is asked there."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _has_mfa(claims: Mapping[str, object]) -> bool:
    methods = claims.get("amr")
    return isinstance(methods, list) and "mfa" in methods


def _claim_of(error: Exception) -> str:
    """Which claim it is about; of a token's values nothing is told."""
    return str(getattr(error, "claim", "") or "")
