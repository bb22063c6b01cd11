"""The last anchor of a tenant, in a file that many share and that grows for years."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector import anchor_file
from connector.anchor_file import AnchorFile, read_anchors
from connector.domain.audit.events import AuditHead
from connector.errors import PermanentError

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "anchors.jsonl"


def head(sequence):
    return AuditHead(sequence, f"{sequence:064x}")


def test_the_last_anchor_is_the_last_that_was_written_for_the_tenant(path):
    sink = AnchorFile(path)
    for tenant, sequence in (("acme", 3), ("acme", 7), ("globex", 9)):
        sink.write(tenant, head(sequence), AT)
    assert (sink.last("acme"), sink.last("globex")) == (head(7), head(9))
    assert sink.last("initech") is None
    assert max(read_anchors(path, "acme")) == 7


def test_a_file_that_is_not_there_yet_has_no_anchor(path):
    assert AnchorFile(path).last("acme") is None


@pytest.mark.parametrize("block", [1, 7, 150, 151])
def test_lines_are_found_wherever_the_blocks_end_in_which_they_are_read(path, monkeypatch, block):
    monkeypatch.setattr(anchor_file, "_BLOCK", block)
    sink = AnchorFile(path)
    for tenant, sequence in (("acme", 3), ("globex", 8), ("globex", 9)):
        sink.write(tenant, head(sequence), AT)
    assert (sink.last("acme"), sink.last("globex")) == (head(3), head(9))


@pytest.mark.parametrize("line", ["nonsense", "[1]", '{"tenant": "acme"}', "\xff"])
def test_a_line_that_is_no_anchor_is_said(path, line):
    path.write_bytes(f"{line}\n".encode("latin-1"))
    with pytest.raises(PermanentError, match="no anchor"):
        AnchorFile(path).last("acme")
