"""Bodies that are no JSON, too large or of another kind: refused, with a reason."""

from __future__ import annotations

import pytest

from tests.acceptance.bad_input.refusals import said_no, send_raw

DEEP = 100_000

BROKEN = {
    "nothing": b"",
    "blank": b"   ",
    "cut off": b'{"userName":"a@b.test"',
    "no JSON": b"userName=a@b.test",
    "not UTF-8": b'{"userName":"\xff\xfe@b.test"}',
    "UTF-16": '{"userName":"a@b.test"}'.encode("utf-16"),
    "a NUL after it": b'{"userName":"a@b.test"}\x00',
    "two values": b"{}{}",
    "NaN": b'{"userName":NaN}',
    "Infinity": b'{"active":Infinity}',
    "an array": b"[]",
    "a string": b'"userName"',
    "a number": b"1",
    "null": b"null",
    "deep arrays": b"[" * DEEP,
    "deep objects": b'{"name":' * DEEP,
    "deep and closed": b'{"userName":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "a raw control character": b'{"userName":"a\x01@b.test"}',
    "a lone surrogate": b'{"userName":"\\ud800@b.test"}',
    "an escaped NUL": b'{"userName":"a\\u0000@b.test"}',
    "a huge number": b'{"userName":' + b"9" * 5000 + b"}",
    "a huge exponent": b'{"userName":1e999999}',
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_body_that_cannot_be_read(connector, ann, method, body):
    path = "/Users" if method == "POST" else f"/Users/{ann}"
    said_no(send_raw(connector, method, path, body))
    search = send_raw(connector, "POST", "/Users/.search", body)
    assert search.status_code in (200, 400)


def test_a_body_beyond_the_limit(connector):
    body = b'{"userName":"' + b"a" * 1_100_000 + b'@b.test"}'
    said_no(send_raw(connector, "POST", "/Users", body), 413)


def test_a_body_of_another_kind(connector):
    said_no(
        send_raw(connector, "POST", "/Users", b"<user/>", **{"Content-Type": "text/xml"}), 400, 415
    )
