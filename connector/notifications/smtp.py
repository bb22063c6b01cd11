"""E-mail over SMTP (RFC 5321), with STARTTLS, TLS from the beginning, or neither."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from connector.domain.notifications import Message
from connector.errors import PermanentError, TemporaryError
from connector.notifications.deadline import cut_off_after
from connector.notifications.rendering import email_text
from connector.notifications.webhooks import trusting
from connector.ports import Clock
from connector.settings import SmtpSettings

_PERMANENT = 500
"""Replies from here on say that the same will never work (RFC 5321 §4.2.1)."""


class SmtpSender:
    """Sends one message to one receiver at a time."""

    def __init__(self, settings: SmtpSettings, clock: Clock, ca_bundle: str) -> None:
        self._settings = settings
        self._clock = clock
        self._ca_bundle = ca_bundle

    def send(self, message: Message, delivery_id: str, recipient: str) -> None:
        """Hand a message over to the mail server.

        :raises TemporaryError: the server cannot be reached, or puts us off.
        :raises PermanentError: the server refuses sender, receiver or message.
        """
        try:
            mail = self._mail(message, delivery_id, recipient)
        except ValueError as error:
            raise PermanentError(f"The e-mail cannot be written: {error}.") from error
        try:
            with self._connected() as server:
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise _refusal(code, text) from error
        except smtplib.SMTPResponseException as error:
            # A wrong password is mended by a person, without loss of what waits.
            is_login = isinstance(error, smtplib.SMTPAuthenticationError)
            raise _refusal(
                _PERMANENT - 1 if is_login else error.smtp_code, error.smtp_error
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise TemporaryError(
                f"The mail server {self._settings.host}:{self._settings.port} did not take the "
                f"message ({type(error).__name__}: {error})."
            ) from error

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        timeout = settings.timeout_s
        server: smtplib.SMTP
        if settings.security == "tls":
            server = smtplib.SMTP_SSL(timeout=timeout, context=trusting(self._ca_bundle))
        else:
            server = smtplib.SMTP(timeout=timeout)
        # smtplib takes the name for TLS from its constructor, which would connect at once.
        server._host = settings.host  # type: ignore[attr-defined]

        def open_socket() -> socket.socket | None:
            return server.sock

        with cut_off_after(timeout, open_socket):
            try:
                server.connect(settings.host, settings.port)
                if settings.security == "starttls":
                    server.starttls(context=trusting(self._ca_bundle))
                if settings.user and settings.password:
                    server.login(settings.user, settings.password.reveal())
                yield server
            finally:
                server.close()

    def _mail(self, message: Message, delivery_id: str, recipient: str) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = message.title
        mail["From"] = self._settings.sender
        mail["To"] = recipient
        mail["Date"] = format_datetime(self._clock.now())
        # The same at each attempt, so that a mail program shows a repetition once.
        domain = parseaddr(self._settings.sender)[1].rpartition("@")[2] or "localhost"
        mail["Message-ID"] = f"<{delivery_id}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(email_text(message))
        return mail


def _refusal(code: int, text: bytes | str) -> TemporaryError | PermanentError:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    reason = f"The mail server refuses: {code} {said}"
    return PermanentError(reason) if code >= _PERMANENT else TemporaryError(reason)
