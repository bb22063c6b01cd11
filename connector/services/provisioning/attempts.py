"""Asks DocuSign for one operation, as long as the caller can wait."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from connector.domain.plan import Operation
from connector.errors import (
    ConnectorError,
    InvalidRequestError,
    TemporaryError,
    UnknownOutcomeError,
)
from connector.services.context import TenantContext
from connector.services.provisioning.confirmed_facts import Performed
from connector.services.provisioning.effects import EffectFinder, is_looked_up
from connector.services.provisioning.execution import Executor


class Attempts:
    """Calls DocuSign for one operation and waits out short troubles."""

    def __init__(self, context: TenantContext, executor: Executor, finder: EffectFinder) -> None:
        self._context = context
        self._executor = executor
        self._finder = finder

    def make(self, step: Operation, deadline: datetime) -> Performed:
        """Carry an operation out and return what DocuSign confirmed.

        :param deadline: until then, short troubles are waited out.
        :raises TemporaryError: DocuSign could not be reached until the deadline.
        :raises UnknownOutcomeError: DocuSign may have done it, and cannot be asked.
        :raises PermanentError: DocuSign refused.
        """
        began_at = self._context.clock.now()
        while True:
            try:
                return self._perform(step)
            except UnknownOutcomeError as error:
                found = self.look_up(step, after=error, since=began_at)
                if found is not None:
                    return found
                # What is not looked up may have been done all the same: it stays in doubt.
                self._pause(1.0, deadline, _undone(error) if is_looked_up(step) else error)
            except TemporaryError as error:
                self._pause(error.retry_after_s, deadline, error)

    def once(self, step: Operation) -> Performed:
        """Carry an operation out without waiting out anything.

        :raises ConnectorError: as :meth:`make`.
        """
        return self._perform(step)

    def _perform(self, step: Operation) -> Performed:
        try:
            return self._executor.perform(step)
        except InvalidRequestError as error:
            error.args = (_in_words_of_clients(error, self._context.attribute_names),)
            raise

    def look_up(
        self,
        step: Operation,
        *,
        after: UnknownOutcomeError | None = None,
        since: datetime | None = None,
    ) -> Performed | None:
        """Return the operation as performed if DocuSign shows its effect, else None.

        :param after: what became of the call; None where a killed process made it.
        :param since: as of :meth:`EffectFinder.find_effect`.
        :raises UnknownOutcomeError: DocuSign cannot be asked now.
        """
        try:
            return self._finder.find_effect(step, since)
        except TemporaryError as error:
            said = after or "A change was broken off by the end of its process."
            raise UnknownOutcomeError(
                f"{said} It cannot be read back now: {error} The connector settles it by itself as "
                "soon as DocuSign answers; the service is temporarily unavailable."
            ) from error

    def _pause(self, seconds: float, deadline: datetime, error: ConnectorError) -> None:
        """Wait, or give up where the wait would pass the deadline."""
        if self._context.clock.now() + timedelta(seconds=seconds) >= deadline:
            raise error
        self._context.clock.sleep(seconds)


def _in_words_of_clients(error: InvalidRequestError, names: Mapping[str, str]) -> str:
    """Return the message, and by what attribute clients know what DocuSign finds wrong: its
    ``userName`` is the full name, which SCIM calls otherwise."""
    known = [f"{word} is {names[name]}" for word, name in error.fields.items() if name in names]
    return f"{error} In SCIM DocuSign's {', '.join(known)}." if known else str(error)


def _undone(error: UnknownOutcomeError) -> TemporaryError:
    """Return the error of a call whose effect DocuSign does not show."""
    return TemporaryError(f"{error} It did not; the service is temporarily unavailable.")
