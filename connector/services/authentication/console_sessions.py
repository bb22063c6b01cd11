"""Who is signed in to the console, for administrators, and ending it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from connector.domain.audit.events import AuditEvent
from connector.domain.authentication.console import ConsoleRole, ConsoleSession
from connector.domain.model import fold
from connector.domain.writing import command
from connector.errors import NotFoundError
from connector.ports import Clock, Store
from connector.services.context import Actor, Principal
from connector.settings import ConsoleSettings


class ConsoleSessions:
    """The sessions of every tenant's console. Thread-safe."""

    def __init__(self, store: Store, clock: Clock, settings: ConsoleSettings) -> None:
        self._store = store
        self._clock = clock
        self._idle = timedelta(seconds=settings.session_idle_s)

    def list(self, tenant: str) -> Sequence[ConsoleSession]:
        """Return the sessions that are not over, the one that was used last first."""
        now = self._clock.now()
        with self._store.read(tenant) as uow:
            found = uow.console.sessions()
        return [one for one in found if one.ends_at > now and one.last_seen_at + self._idle >= now]

    def end(self, tenant: str, name: str, actor: Actor) -> Mapping[str, int]:
        """End every session of whoever has a login or an address, in every process at once; return
        how many there were of each login. The login of one can be the address of another: both end.

        Whoever may still sign in can do so again: a local account has to be disabled, and somebody
        of the identity provider be locked there. Personal tokens of the API go on.

        :param name: a login, or an address.
        :raises connector.errors.NotFoundError: nobody of that name has a session.
        :raises connector.errors.ForbiddenError: a person without the role ``administrator`` asks.
        """
        key = fold(name.strip())
        return self._end(
            tenant, name, actor, lambda one: key in (fold(one.login), fold(one.email)) and key != ""
        )

    def end_of_login(self, tenant: str, login: str, actor: Actor) -> int:
        """End every session of one login alone, and return how many there were; see :meth:`end`.

        :param login: as the list has it.
        """
        key = fold(login)
        return sum(self._end(tenant, login, actor, lambda one: fold(one.login) == key).values())

    def _end(
        self, tenant: str, name: str, actor: Actor, is_meant: Callable[[ConsoleSession], bool]
    ) -> Mapping[str, int]:
        if isinstance(actor, Principal):
            actor.require(ConsoleRole.ADMINISTRATOR)
        with self._store.write(tenant) as uow:
            # Also those that are over and not yet cleared away: an erasure looks at them too.
            ended = [one for one in uow.console.sessions() if is_meant(one)]
            if not ended:
                listed = command(tenant, "console", "session", "list")
                raise NotFoundError(f"Nobody is signed in as {name!r}. See {listed}.")
            for session in ended:
                uow.console.remove_session(session.session_hash)
            counts = Counter(one.login for one in ended)
            for login, count in counts.items():
                uow.audit.append(self._event(login, count, actor))
            uow.commit()
        return counts

    def _event(self, login: str, count: int, actor: Actor) -> AuditEvent:
        facts = {"login": login, "counts": {"sessions": count}}
        return AuditEvent(
            self._clock.now(),
            actor.name,
            "console.sessions_ended",
            "",
            actor.correlation_id,
            facts,
        )
