"""Logs: one line each, with its correlation id, and never a secret."""

import json
import logging

import pytest
import structlog

from connector.logs import configure_logging, correlated, correlation_id, redact, redact_text
from connector.settings import LoggingSettings, Secret
from tests import logs


def test_our_lines_and_those_of_libraries_look_alike(log_lines):
    with correlated("c1"):
        structlog.get_logger("connector.x").info("user closed", user_id="u1")
        logging.getLogger("some.package").warning("took %d s", 3)
    ours, theirs = log_lines()
    assert (ours["event"], ours["user_id"], ours["correlation_id"]) == ("user closed", "u1", "c1")
    assert (theirs["event"], theirs["level"], theirs["correlation_id"]) == (
        "took 3 s",
        "warning",
        "c1",
    )


@pytest.mark.parametrize("library", ["procrastinate.worker", "procrastinate.jobs", "alembic"])
def test_of_libraries_that_tell_of_each_step_only_what_goes_wrong_is_logged(log_lines, library):
    logging.getLogger(library).info("Job settle[7] ended with status: Success")
    logging.getLogger(library).error("the connection is gone")
    assert [line["event"] for line in log_lines()] == ["the connection is gone"]


def test_a_logger_that_one_test_configured_is_heard_in_the_next():
    logger, root = structlog.get_logger("used.before"), logging.getLogger()
    before = (root.handlers[:], root.level, structlog.get_config())
    with logs.given_back():
        configure_logging(LoggingSettings(format="json"))
        logger.info("in the first")
    assert (root.handlers, root.level, structlog.get_config()) == before
    with structlog.testing.capture_logs() as events:
        logger.info("in the second")
    assert [item["event"] for item in events] == ["in the second"]


def test_a_correlation_id_ends_with_its_block():
    with correlated() as outer:
        with correlated("inner"):
            assert correlation_id() == "inner"
        assert correlation_id() == outer
    assert correlation_id() == ""


def test_secrets_in_exceptions_are_removed(log_lines):
    try:
        int("Bearer abc.def.ghi")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    [line] = log_lines()
    assert "abc.def" not in json.dumps(line)
    assert "ValueError" in line["exception"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization", "Bearer hush"),
        ("access_token", "hush"),
        ("private_key", "hush"),
        ("setting", Secret("hush")),
        ("headers", {"Authorization": "Basic hush"}),
        ("body", "grant_type=x&assertion=hush"),
        ("body", '{"access_token": "hush"}'),
        ("line", "Authorization: Bearer hush"),
        ("line", "eyJhush.eyJhush.hush"),
        ("line", "dsiga_hush"),
        ("line", "-----BEGIN RSA PRIVATE KEY-----\nhush\n-----END RSA PRIVATE KEY-----"),
        ("list", ["Bearer hush"]),
    ],
)
def test_secrets_are_removed_by_name_and_by_look(name, value):
    assert "hush" not in repr(redact(None, "info", {"event": "x", name: value}))


def test_what_support_asks_for_stays():
    assert redact(None, "info", {"trace_token": "t1", "count": 3, "ok": True}) == {
        "trace_token": "t1",
        "count": 3,
        "ok": True,
    }


def test_ordinary_text_stays():
    text = "The token of 'iiq' has expired. See https://x.example/y?z=1"
    assert redact_text(text) == text
