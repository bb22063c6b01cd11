"""Logging in tests: each configures what it likes, and leaves to the next what it found."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog


@contextmanager
def configurable() -> Iterator[None]:
    """Let loggers follow the configuration at any time inside the block.

    The program configures logging once, and its loggers keep what they found first. In a process
    of tests a logger that a test of the command line used would be deaf for all tests after it.
    """
    configure = structlog.configure

    def configured(**options: Any) -> None:
        configure(**{**options, "cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", configured)
        yield


@contextmanager
def given_back() -> Iterator[None]:
    """Put back after the block what was configured before it: handlers, levels, processors."""
    root = logging.getLogger()
    handlers, levels = root.handlers[:], _levels()
    was_configured, configuration = structlog.is_configured(), structlog.get_config()
    yield
    root.handlers[:] = handlers
    for logger in {**_levels(), **levels}:
        logger.setLevel(levels.get(logger, logging.NOTSET))
    structlog.reset_defaults()
    if was_configured:
        structlog.configure(**configuration)


def _levels() -> dict[logging.Logger, int]:
    root = logging.getLogger()
    named = [item for item in root.manager.loggerDict.values() if isinstance(item, logging.Logger)]
    return {logger: logger.level for logger in (root, *named)}
