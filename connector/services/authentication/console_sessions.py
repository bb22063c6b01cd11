"""Who is signed in to the console, for administrators, and ending it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from connector.domain.audit.events import AuditEvent
from connector.domain.authentication.console import ConsoleRole, ConsoleSession
from connector.domain.model import fold
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

    def end(self, tenant: str, name: str, actor: Actor) -> int:
        """End every session of somebody, in every process at once, and return how many there were.

        Whoever may still sign in can do so again: a local account has to be disabled, and somebody
        of the identity provider be locked there.

        :param name: a login, or an address.
        :raises connector.errors.NotFoundError: nobody of that name has a session.
        :raises connector.errors.ForbiddenError: a person without the role ``administrator`` asks.
        """
        if isinstance(actor, Principal):
            actor.require(ConsoleRole.ADMINISTRATOR)
        key = fold(name.strip())
        with self._store.write(tenant) as uow:
            # Also those that are over and not yet cleared away: an erasure looks at them too.
            ended = [
                one for one in uow.console.sessions() if key in (fold(one.login), fold(one.email))
            ]
            if not key or not ended:
                raise NotFoundError(
                    f"Nobody is signed in as {name!r}. See docusign-iga console session list."
                )
            for session in ended:
                uow.console.remove_session(session.session_hash)
            facts = {"login": ended[0].login, "counts": {"sessions": len(ended)}}
            uow.audit.append(
                AuditEvent(
                    self._clock.now(),
                    actor.name,
                    "console.sessions_ended",
                    "",
                    actor.correlation_id,
                    facts,
                )
            )
            uow.commit()
        return len(ended)
