"""Calls DocuSign: token, limits, safe repetition, answers and refusals."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import orjson

from connector.docusign.auth import Subject, TokenSource
from connector.docusign.causes import (
    TRACE_HEADER,
    Said,
    cause_of,
    json_object,
    message,
    refusal_error,
    said,
)
from connector.docusign.errors import (
    BadAnswerError,
    DocusignError,
    NoAnswerError,
    RateLimitedError,
    UnavailableError,
)
from connector.docusign.limits import Gate
from connector.docusign.transport import Bearer, Transport
from connector.errors import ConnectorError, TemporaryError
from connector.patience import take_place, within
from connector.ports import Clock
from connector.settings import DocusignSettings

if TYPE_CHECKING:
    import requests

Json = dict[str, Any]
T = TypeVar("T")


class Answer(Json):
    """The JSON object of a success, and what a message of it needs."""

    status: int = HTTPStatus.OK
    trace_token: str | None = None
    """What DocuSign's support asks for."""

    @classmethod
    def of(cls, response: requests.Response, body: Mapping[str, Any]) -> Answer:
        """Return the body of an answer with its status and its trace token."""
        answer = cls(body)
        answer.status = response.status_code
        answer.trace_token = response.headers.get(TRACE_HEADER)
        return answer


_FIRST_BACKOFF_S = 0.5
_REFUSING = 300
"""From this status on an answer is no success (RFC 9110 §15)."""


@dataclass(frozen=True)
class Target:
    """Where calls go, in whose name, and who pays for them."""

    base_url: str
    subject: Subject
    budget: str
    """The account or organization whose limits count."""
    tenant: str
    """For whom."""
    called: str = ""
    """What people call who pays; empty: as the budget."""


@dataclass(frozen=True)
class Call:
    """One request."""

    what: str
    """What is tried, as in "reading a user"; begins error messages."""
    method: str
    template: str
    """Path with ``{names}``; the log shows it as it is."""
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None

    @property
    def is_read(self) -> bool:
        """Whether a repetition is always safe."""
        return self.method == "GET"


class ApiClient:
    """Thin HTTP client for all of DocuSign's APIs. Thread-safe."""

    def __init__(
        self,
        settings: DocusignSettings,
        transport: Transport,
        tokens: TokenSource,
        gate: Gate,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._tokens = tokens
        self._gate = gate
        self._clock = clock

    def send(self, target: Target, call: Call) -> Answer:
        """Return the JSON object of the answer, empty where the answer has no body.

        :raises DocusignError: see :mod:`connector.docusign.errors`.
        """
        return self._insist(target, call, _answer)

    def download(self, target: Target, call: Call, into: IO[bytes]) -> None:
        """Write the body of the answer, as it came, into a file: it may be large.

        :raises DocusignError: see :mod:`connector.docusign.errors`.
        """
        self._insist(target, call, lambda *_: None, into)

    def _insist(
        self,
        target: Target,
        call: Call,
        read: Callable[[Call, requests.Response], T],
        into: IO[bytes] | None = None,
    ) -> T:
        """Return what is read from the answer.

        Reads are repeated after any temporary failure; writes only where DocuSign certainly did
        nothing: the connection was refused, or a limit turned the call away.

        :raises DocusignError: see :mod:`connector.docusign.errors`.
        """
        take_place()
        waited_s, attempt, is_reissued = 0.0, 0, False
        while True:
            token = ""
            try:
                token = self._tokens.token(target.subject, target.tenant)
                return read(call, self._once(target, call, token, into))
            except ConnectorError as error:
                is_suspect = isinstance(error, DocusignError) and error.may_be_the_token
                if token and is_suspect and not is_reissued:
                    is_reissued = True
                    self._tokens.invalidate(target.subject, token, target.tenant)
                    if not isinstance(error, NoAnswerError):
                        continue
                wait_s = self._wait_s(call, error, attempt)
                if wait_s is None or wait_s > within(self._settings.retry_wait_s - waited_s):
                    raise
                self._clock.sleep(wait_s)
                waited_s, attempt = waited_s + wait_s, attempt + 1

    def _wait_s(self, call: Call, error: ConnectorError, attempt: int) -> float | None:
        """Return how long to wait before a repetition, or None where there is to be none."""
        if attempt >= self._settings.retry_attempts or not isinstance(error, TemporaryError):
            return None
        if isinstance(error, RateLimitedError):
            return error.retry_after_s
        if not call.is_read and not (isinstance(error, UnavailableError) and error.nothing_sent):
            return None
        if isinstance(error, BadAnswerError) and (error.status or 0) >= _REFUSING:
            # What forbids a call, or has no such page, does so again in a second.
            return None
        # Full jitter: many clients must not come back at the same moment.
        return random.uniform(0, _FIRST_BACKOFF_S * 2**attempt)  # noqa: S311

    def _once(
        self, target: Target, call: Call, token: str, into: IO[bytes] | None
    ) -> requests.Response:
        self._gate.check(target.budget, target.tenant, target.called)
        names = {name: quote(value, safe="") for name, value in call.path.items()}
        response = self._transport.send(
            call.what,
            call.method,
            target.base_url + call.template.format(**names),
            template=call.template,
            tenant=target.tenant,
            auth=Bearer(token),
            params=call.query,
            data=None if call.body is None else orjson.dumps(call.body),
            headers=None if call.body is None else {"Content-Type": "application/json"},
            into=into,
        )
        self._gate.learn(target.budget, response.headers, target.tenant)
        if 200 <= response.status_code < _REFUSING:  # noqa: PLR2004 -- RFC 9110 §15.3
            return response
        raise self._refusal(target, call, response)

    def _refusal(self, target: Target, call: Call, response: requests.Response) -> DocusignError:
        refusal = said(response, call.template)
        error = refusal_error(call.what, refusal)
        if isinstance(error, RateLimitedError):
            error.retry_after_s = self._gate.exceeded(
                target.budget, refusal.code, refusal.status, target.tenant
            )
        elif not call.is_read and isinstance(error, UnavailableError | BadAnswerError):
            # Also a 503 with a code: DocuSign documents none that says that nothing was done, and
            # what stands in front of it may have passed the write on, whatever its page says.
            # Limits are told by their codes, and do say so.
            why = cause_of(refusal).text if isinstance(error, BadAnswerError) else ""
            uncertain = _uncertain(call, refusal, why)
            uncertain.may_be_the_token = error.may_be_the_token
            return uncertain
        return error


_NO_JSON = "The answer is no JSON object. Check whether a proxy stands in between."


def _uncertain(call: Call, refusal: Said, why: str = "") -> NoAnswerError:
    text = "Whether it took effect is not certain and is read back before it is repeated."
    return NoAnswerError(
        message(call.what, f"{why} {text}".strip(), refusal),
        status=refusal.status,
        error_code=refusal.code or None,
        trace_token=refusal.trace_token,
    )


def _answer(call: Call, response: requests.Response) -> Answer:
    """Return the body of a success."""
    if not response.content.strip():
        return Answer.of(response, {})
    body = json_object(response)
    if body is not None:
        return Answer.of(response, body)
    refusal = said(response)
    if not call.is_read:
        raise _uncertain(call, refusal, _NO_JSON)
    raise BadAnswerError(
        message(call.what, _NO_JSON, refusal),
        status=refusal.status,
        trace_token=refusal.trace_token,
    )


def listed(call: Call, answer: Answer, name: str) -> list[Json]:
    """Return a list in an answer; an absent one is empty only where the answer counts none.

    :raises BadAnswerError: the answer has neither, so that it must not be taken for "nothing".
    :raises NoAnswerError: so does the answer to a write.
    """
    found = answer.get(name)
    if found is None and str(answer.get("resultSetSize", "")) == "0":
        return []
    if isinstance(found, list) and all(isinstance(item, dict) for item in found):
        return found
    lacks = f"The answer lacks the list {name!r}. Check whether a proxy stands in between."
    raise incomplete(call, answer, lacks)


def incomplete(call: Call, answer: Answer, text: str) -> DocusignError:
    """Return the error for a success that lacks what it has to have.

    :param text: what it lacks.
    """
    told = Said(answer.status, trace_token=answer.trace_token)
    if not call.is_read:
        return _uncertain(call, told, text)
    return BadAnswerError(
        message(call.what, text, told), status=told.status, trace_token=told.trace_token
    )
