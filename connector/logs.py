"""Structured logging on standard error, without secrets, each line with its correlation id."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from connector.settings import MASK, LoggingSettings, Secret

_correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
_SECRET_NAMES = re.compile(r"authorization|token|assertion|private_?key|password|secret", re.I)
_HARMLESS_NAMES = frozenset({"trace_token", "token_id"})
"""Names that look secret and are needed: DocuSign's support asks for the trace token."""
_SECRET_TEXT = re.compile(
    r"(?P<before>Bearer\s+|Basic\s+|(?:assertion|access_token|refresh_token)[\"']?\s*[=:]\s*[\"']?)"
    r"[\w.~+/=-]+"
    r"|eyJ[\w-]+\.[\w-]+\.[\w-]*"  # a JWT
    r"|dsiga_[\w-]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.I | re.S,
)
_NOISY = ("urllib3", "apscheduler", "sqlalchemy", "alembic", "procrastinate")
"""Libraries that write at ``info`` what only they care about."""


def configure_logging(settings: LoggingSettings) -> None:
    """Send everything, the libraries' messages included, to standard error."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_correlation_id,
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = _StandardError()
    handler.setFormatter(_formatter(settings.format, shared))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


class _StandardError(logging.Handler):
    """Writes to what standard error is at the moment: a test or a supervisor may replace it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
        except (OSError, ValueError):  # closed, or the disk behind it is full
            self.handleError(record)


def is_for_people(form: str) -> bool:
    """Return whether standard error is read by people, not by a collector of JSON lines.

    :param form: the setting ``logging.format``.
    """
    return form == "console" or (form == "auto" and sys.stderr.isatty())


def _formatter(form: str, shared: list[Processor]) -> logging.Formatter:
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if is_for_people(form)
        else structlog.processors.JSONRenderer()
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def correlation_id() -> str:
    """Return the id of what is going on: a request, a job run or a command; empty outside."""
    return _correlation_id.get()


def correlated(value: str = "") -> AbstractContextManager[str]:
    """Give everything logged inside the block one id, a new one unless *value* is given."""
    return _Correlated(value or uuid4().hex)


class _Correlated:
    __slots__ = ("_token", "_value")

    def __init__(self, value: str) -> None:
        self._value = value

    def __enter__(self) -> str:
        self._token = _correlation_id.set(self._value)
        return self._value

    def __exit__(self, *_raised: object) -> None:
        _correlation_id.reset(self._token)


def _add_correlation_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if value := _correlation_id.get():
        event.setdefault("correlation_id", value)
    return event


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace secrets by asterisks, by the name of a value and by the look of it."""
    cleaned: MutableMapping[str, Any] = {
        name: value if name.startswith("_") else _clean(name, value)
        for name, value in event.items()
    }
    return cleaned


def _clean(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _clean(str(key), inner) for key, inner in value.items()}
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Secret) or (name not in _HARMLESS_NAMES and _SECRET_NAMES.search(name)):
        return MASK
    if isinstance(value, list | tuple):
        return [_clean(name, inner) for inner in value]
    return redact_text(str(value))


def redact_text(text: str) -> str:
    """Return *text* with whatever looks like a credential replaced."""
    return _SECRET_TEXT.sub(lambda match: (match.group("before") or "") + MASK, text)
