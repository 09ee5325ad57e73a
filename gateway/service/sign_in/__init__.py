"""Signing in: passwords, lock-out, sessions, second factors, invitations and links.

`SignIn` is what API, pages and command line use::

    sign_in = SignIn(records, clock)
    code = sign_in.invite(user.id).text                             # for whom it is, handed over by other means
    sign_in.accept(code, "a long enough sentence", address=...)     # sets the password
    started = sign_in.start("dentist@example.org", "a long enough sentence", None, address=...)   # SignInError
    who = sign_in.principal(started.token)                          # None once the session is over
    sign_in.end(started.token)

Nobody signs in before they have set a password by an invitation: there is no default one. What is not let in raises
`SignInError`, whose `reason` is for programs.
"""

from __future__ import annotations

from gateway.service.sign_in.codes import OneTimeCode
from gateway.service.sign_in.sessions import Started
from gateway.service.sign_in.sign_in import SessionState, SignIn

__all__ = ["OneTimeCode", "SessionState", "SignIn", "Started"]
