"""The connector's error tree.

    ConnectorError
        TemporaryError          the same call may work later
            BudgetUsedUpError       the calls of this hour are used up, or kept for changes
            ConflictingWriteError   another writer holds the same resource
        PermanentError          a person or a setting is needed
            GuardError              a safety rule refused the change
            NotFoundError           no such resource
            UniquenessError         the name is taken
            InvalidRequestError     the request contradicts itself or the catalogue
                ClosedError             it is over: decided, done, expired
                InvalidFilterError      what a search compares cannot be compared
                InvalidOrderError       what a search sorts by is no attribute
                SearchTooLongError      it looks at too much for one search
            PreconditionError       the resource changed since the client read it
            InvitationPendingError  the person has to accept DocuSign's invitation first
            ForbiddenError          this person may not do this
        UnknownOutcomeError     sent, no answer: read back before repeating
        ConfigError             the configuration cannot be used

``connector.docusign.errors`` adds subclasses of the first three with what DocuSign said.
Every message tells a person what is wrong and what to do; it is shown to administrators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType


class ConnectorError(Exception):
    """Anything the connector refuses or fails to do."""

    is_partial = False
    """Whether a part of the operation took effect before the rest was refused."""
    trouble = ""
    """Why a call to DocuSign failed (:class:`connector.domain.diagnosis.trouble.Trouble`), as far
    as a diagnosis depends on it; empty for everything else."""
    user_ids: Sequence[str] = ()
    """Whom the message names beside those whom the request is about: the audit is searched by
    them."""


class TemporaryError(ConnectorError):
    """The same call may work later.

    :param retry_after_s: seconds after which a repetition is sensible.
    """

    def __init__(self, message: str, *, retry_after_s: float = 30.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoppedError(TemporaryError):
    """The process is being stopped; what it was at goes on later, where it is."""

    def __init__(self) -> None:
        super().__init__("Its process was stopped; it goes on later.", retry_after_s=1.0)


class BudgetUsedUpError(TemporaryError):
    """The calls that DocuSign allows are used up, or kept for what cannot wait: background work
    waits, and has not failed."""


class ConflictingWriteError(TemporaryError):
    """Another request is changing the same resource and did not finish within the wait."""


class PermanentError(ConnectorError):
    """Repeating does not help: a person or a setting has to change something.

    :param remedy: what the message ends with: what to do, for whoever reads it now.
    """

    def __init__(self, message: str = "", *, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}" if remedy else message)
        self.reason = message
        """What is wrong, without what to do: what a record keeps."""


class GuardError(PermanentError):
    """A safety rule refused the change. ``setting`` names what an operator may change.

    :param guard: the rule's short name, as in the documentation (``last_administrator`` ...).
    """

    def __init__(self, message: str, *, guard: str, setting: str | None = None) -> None:
        super().__init__(message)
        self.guard = guard
        self.setting = setting


class NotFoundError(PermanentError):
    """No resource with that identifier is known."""


class UniquenessError(PermanentError):
    """The name or address is held by somebody else."""


class InvalidRequestError(PermanentError):
    """The request contradicts itself or names something that does not exist."""

    fields: Mapping[str, str] = {}
    """By the word that the message has for it, the field of a person
    (:class:`connector.domain.plan.Person`) that DocuSign finds wrong."""


class ClosedError(InvalidRequestError):
    """What is asked for was possible until somebody, or time, ended it."""


class InvalidFilterError(InvalidRequestError):
    """A search compares what there is not, or what cannot be compared."""


class InvalidOrderError(InvalidRequestError):
    """A search sorts by what there is not."""


class SearchTooLongError(InvalidRequestError):
    """A search was ended that would have gone on for longer than any may."""


class PreconditionError(PermanentError):
    """The resource changed since the client read it (RFC 7644 §3.14)."""


class InvitationPendingError(PermanentError):
    """Until the person has accepted DocuSign's invitation, DocuSign changes nothing of them."""


class ForbiddenError(PermanentError):
    """The person may not do this; somebody else may."""


class UnknownOutcomeError(ConnectorError):
    """The call was sent and no answer came: whether it took effect must be read back."""


class ConfigError(ConnectorError):
    """The configuration cannot be used.

    :param problems: one line each, ``path.in.the.file: what is wrong and what is allowed``.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Translated(AbstractContextManager[None]):
    """Raises another error in place of the one that a block raises.

    It keeps nothing of a block, so that all blocks share one, in every thread: it stands around
    every read, and a generator would cost as much as the read of a row.

    :param translate: returns the error to raise instead; None: the block's own is left.
    """

    def __init__(self, translate: Callable[[Exception], Exception | None]) -> None:
        self._meaning = translate

    def __exit__(
        self, _kind: object, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Raise what the error of the block means, if anything."""
        self.translate(error)

    def translate(self, error: BaseException | None) -> None:
        """Raise what an error means, if there is one and it means anything."""
        if isinstance(error, Exception) and (meant := self._meaning(error)) is not None:
            raise meant from error
