"""What a page works with: the service, who looks at it, and the gate for whatever it reads or changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from starlette.concurrency import run_in_threadpool

from gateway.errors import SignedOutError
from gateway.service.access import Access, Action, Principal
from gateway.service.access.gate import Gate, Target
from gateway.service.records import User

if TYPE_CHECKING:
    from gateway.service.api.context import Context

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Site:
    """The pages of one running application."""

    context: Context
    gate: Gate
    zone: str


@dataclass(slots=True)
class PageContext:
    """One page as one user has it open.

    Attributes
    ----------
    context : Context
        The service's parts, as the API's routes have them.
    who : Principal
        Who looks at it, with `user`; as of the page's last `enter`.
    user : User
        The same.
    zone : str
        IANA name of the zone that times are shown in: the patient's where the page or the user is one patient's, else
        the service's. Lists over patients take each patient's or device's own.
    address : str
        From where it is looked at, for the audit.
    url : str
        Of the service, as the browser knows it.
    path : str
        The page's own, as asked for.
    query : mapping of str to str
        What stood behind the question mark.
    """

    site: Site
    who: Principal
    token: str = field(repr=False)
    zone: str
    address: str
    url: str
    path: str
    query: Mapping[str, str]

    @property
    def context(self) -> Context:
        """The service's parts."""
        return self.site.context

    @property
    def access(self) -> Access:
        """Who may do what."""
        return self.site.context.access

    @property
    def user(self) -> User:
        """Who looks at it."""
        assert self.who.user is not None  # the router lets nobody else in
        return self.who.user

    @property
    def is_demo(self) -> bool:
        """Whether what is shown was made up."""
        return self.user.clinic.startswith("clinic-demo")

    def enter(self, action: Action, target: Target, ids: Mapping[str, str], what: str) -> None:
        """Return if the user may do that now; it is in the audit then. Whatever an event reads or changes asks first.

        Who the user is and may is looked up anew. It waits for the records: on the event loop use `do`.

        Parameters
        ----------
        what : str
            For the audit: the API's request that does the same, such as ``POST /alerts/.../snooze``.

        Raises
        ------
        SignedOutError
            If the session is over.
        HiddenError, AccessError
            As `Gate.enter`.
        """
        self._look(used=True)
        who = self.who
        self.site.gate.enter(who, action, target, ids, address=self.address, what=what)

    async def do(self, action: Action, target: Target, ids: Mapping[str, str], what: str, work: Callable[[], T]) -> T:
        """`enter`, then `work`, both on a thread; gives what `work` gives. It raises what either raises."""

        def both() -> T:
            self.enter(action, target, ids, what)
            return work()

        return await run_in_threadpool(both)

    async def read(self, work: Callable[[], T]) -> T:
        """Do on a thread what the page's own rule covers, while it is being built."""
        return await run_in_threadpool(work)

    async def look(self) -> None:
        """Have `who` as it is now. What is pushed to a page asks this first; unlike `enter` it does not count as use.

        Raises
        ------
        SignedOutError
            If the session is over.
        """
        await run_in_threadpool(self._look, used=False)

    def _look(self, *, used: bool) -> None:
        who = self.site.context.sign_in.principal(self.token, used=used)
        if who is None or who.user is None or who.user.id != self.user.id:
            raise SignedOutError("the session is over")
        self.who = who
