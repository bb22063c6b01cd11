"""Signed webhooks, as Standard Webhooks describes them (standardwebhooks.com).

The signature covers id, time and body; a receiver that checks all three and refuses old times and
known ids cannot be fooled by a repetition. No redirect is followed, no proxy is used, and little
of the answer is read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException

import structlog
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from connector.domain.notifications import Message
from connector.errors import ConfigError, PermanentError, TemporaryError
from connector.notifications.deadline import cut_off_after
from connector.notifications.records import (
    Call,
    carrying_on,
    creating,
    found_in,
    is_carried_on,
    looking,
    record_in,
)
from connector.notifications.targets import Target, Targets
from connector.ports import Clock
from connector.settings import ChannelSettings, Secret

_log = structlog.get_logger(__name__)

_MOST_READ = 2_048
"""Bytes of an answer; they serve the message about a failure, and name a record."""
_NOT_FOUND, _GONE = 404, 410
_LATER = (429, 500, 502, 503, 504)
"""The receiver may answer some time; with others it refuses a question, or takes none."""
_REFUSED = (400, 404, 409)
_LONGEST_SHOWN = 200
_PREFIX = "whsec_"


class _NotFoundError(TemporaryError):
    """The receiver knows nothing at this place."""


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 -- RFC 9110 §15.3


class WebhookSender:
    """Sends messages to URLs."""

    def __init__(self, targets: Targets, timeout_s: float, clock: Clock, ca_bundle: str) -> None:
        self._targets = targets
        self._timeout_s = timeout_s
        self._clock = clock
        self._ca_bundle = ca_bundle

    def send(
        self, channel: ChannelSettings, message: Message, delivery_id: str, record: str = ""
    ) -> str:
        """Send a message; any status of success means that it arrived.

        :param record: that the receiver made of an earlier message of the same case.
        :returns: the record of the case as it is now known; empty where there is none.
        :raises TemporaryError: no success; the receiver may be mended, so it is tried again.
        :raises PermanentError: the target is refused, or says that it is gone for good.
        """
        target = self._targets.resolve(channel.url.reveal() if channel.url else "")
        if not (record and is_carried_on(channel, target, record)):
            record = self._find(channel, message, delivery_id, target)
        if record:
            try:
                for call in carrying_on(channel, message, target, record):
                    self._call(channel, target, delivery_id, call)
            except _NotFoundError:
                # Most likely somebody deleted it there: the case gets a new one, as long as there
                # is something left to do. Receivers answer so, too, where rights are missing.
                _log.warning(
                    "a record is not shown: it was deleted there, or the account that the channel "
                    "uses may not see it",
                    channel=channel.name,
                    record=record,
                    goes_on="nothing is left to do" if message.is_over else "with a new record",
                )
                if message.is_over:
                    return ""
            else:
                return record
        created = creating(channel, message, delivery_id, target)
        answer = self._call(channel, target, delivery_id, created)
        return record_in(channel, target, answer.headers, answer.text)

    def _find(
        self, channel: ChannelSettings, message: Message, delivery_id: str, target: Target
    ) -> str:
        """Return the record that a receiver made of a case although its answer never came; empty
        where it has none, or tells nobody.

        :raises TemporaryError: it does not answer.
        """
        refused: list[int] = []
        for call in looking(channel, message, delivery_id, target):
            answer = self._ask(channel, target, delivery_id, call)
            if answer.is_success:
                return found_in(channel, message, delivery_id, target, answer.text)
            if answer.status in _LATER:
                raise _trouble(target, answer, TemporaryError)
            refused.append(answer.status)
        if refused:
            _log.warning(
                "a receiver does not tell whether it has a record of a case: one whose answer was "
                "lost may get a second. Let the account that the channel uses read there",
                channel=channel.name,
                receiver=target.host,
                answered=refused,
            )
        return ""

    def _call(
        self, channel: ChannelSettings, target: Target, delivery_id: str, call: Call
    ) -> _Answer:
        answer = self._ask(channel, target, delivery_id, call)
        if answer.is_success or (call.may_fail and answer.status in _REFUSED):
            return answer
        if answer.status == _GONE:
            raise PermanentError(
                f"{target.host} answered 410, gone for good. {_shown(answer.text)}"
            )
        raise _trouble(
            target, answer, _NotFoundError if answer.status == _NOT_FOUND else TemporaryError
        )

    def _ask(
        self, channel: ChannelSettings, target: Target, delivery_id: str, call: Call
    ) -> _Answer:
        now = int(self._clock.now().timestamp())
        headers = {
            "Host": target.authority,
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "docusign-iga-connector",
            **signature(channel.secret, delivery_id, now, call.body),
        }
        if channel.authorization:
            headers["Authorization"] = channel.authorization.reveal()
        return self._exchange(target, headers, call)

    def _exchange(self, target: Target, headers: Mapping[str, str], call: Call) -> _Answer:
        connection = self._connection(target)

        def open_socket() -> socket.socket | None:
            return connection.sock

        try:
            with cut_off_after(self._timeout_s, open_socket):
                connection.connect()
                connection.request(
                    call.method,
                    call.path,
                    body=call.body or None,
                    headers=headers,
                    preload_content=False,
                )
                response = connection.getresponse()
                return _Answer(response.status, response.headers, _beginning(response))
        except (OSError, HTTPError, HTTPException, ValueError) as error:
            raise TemporaryError(
                f"{target.host} did not take the message within {self._timeout_s:g} seconds "
                f"({type(error).__name__})."
            ) from error
        finally:
            connection.close()

    def _connection(self, target: Target) -> HTTPConnection:
        if target.scheme == "http":
            return HTTPConnection(target.address, target.port, timeout=self._timeout_s)
        return HTTPSConnection(
            target.address,
            target.port,
            timeout=self._timeout_s,
            # The certificate has to be that of the name, although the address is connected to.
            server_hostname=target.host,
            assert_hostname=target.host,
            ssl_context=trusting(self._ca_bundle),
        )


def _trouble(target: Target, answer: _Answer, kind: type[TemporaryError]) -> TemporaryError:
    return kind(f"{target.host} answered {answer.status}. {_shown(answer.text)}")


def _shown(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_SHOWN]


def trusting(ca_bundle: str) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities and those of a PEM file."""
    context = ssl.create_default_context()
    if ca_bundle:
        try:
            context.load_verify_locations(ca_bundle)
        except OSError as error:
            raise ConfigError(
                [f"docusign.ca_bundle: {ca_bundle} is no readable PEM file"]
            ) from error
    return context


def signature(
    secret: Secret | None, delivery_id: str, timestamp: int, body: bytes
) -> Mapping[str, str]:
    """Return the headers of Standard Webhooks; without a secret there is no signature."""
    headers = {"webhook-id": delivery_id, "webhook-timestamp": str(timestamp)}
    if secret:
        signed = f"{delivery_id}.{timestamp}.".encode() + body
        mac = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(mac).decode()}"
    return headers


def key_of(secret: Secret) -> bytes:
    """Return the bytes of a secret: base64 behind ``whsec_``, else the text itself."""
    text = secret.reveal()
    if not text.startswith(_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise PermanentError(
            "The channel's secret starts with whsec_, but what follows is no base64."
        ) from error


def _beginning(response: HTTPResponse) -> str:
    try:
        return response.read(_MOST_READ, decode_content=False).decode(errors="replace")
    except (OSError, HTTPError, HTTPException, ValueError):
        return ""  # The status is what counts.
