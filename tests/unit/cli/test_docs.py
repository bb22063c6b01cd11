"""``docusign-iga docs``, and that whatever refers to a document refers to that."""

import ast
import contextlib
import os
import pty
import re
import select
import subprocess
import sys
import sysconfig
import time
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from connector.cli.main import main
from connector.errors import PermanentError

docs = import_module("connector.cli.docs")
ROOT = Path(__file__).parents[3]
TEMPLATES = sorted(
    path
    for kind in ("html", "j2", "txt", "yaml")
    for path in (ROOT / "connector").rglob(f"*.{kind}")
    if path.name != "config.example.yaml"
)
SOURCES = sorted((ROOT / "connector").rglob("*.py"))
FILE = re.compile(r"\bdocs/[\w/-]+\.md\b|\bREADME\.md\b|\bCHANGELOG\.md\b")
COMMAND = re.compile(r"`docusign-iga docs ([\w/-]+)`")


def run(*arguments):
    return CliRunner().invoke(main, ["docs", *arguments])


def said(path):
    """Return what a file may say to people: for a module all of its strings, but no docstring that
    only whoever reads the code sees."""
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        return [text]
    tree = ast.parse(text)
    # Help texts and the description of the REST API are made of them.
    is_shown = path.parent.name in ("api", "cli")
    unseen = {
        node.value
        for node in (tree.body[:1] if is_shown else ast.walk(tree))
        if isinstance(node, ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in unseen
    ]


def test_the_list_has_every_document_with_its_title():
    result = run()
    assert result.exit_code == 0
    listed = {line.split()[0]: line for line in result.stdout.splitlines()}
    there = {
        path.relative_to(ROOT / "docs").with_suffix("").as_posix()
        for path in (ROOT / "docs").rglob("*.md")
    }
    assert set(listed) == there
    assert listed["guides/okta"].endswith("Okta")


@pytest.mark.parametrize("name", ["okta", "guides/okta", "docs/guides/okta.md", "Okta"])
def test_a_document_is_found_as_it_is_referred_to(name):
    result = run(name)
    assert result.stdout == (ROOT / "docs" / "guides" / "okta.md").read_text("utf-8")


def in_terminal(pager, **environment):
    """Return what a pseudo-terminal shows of a document."""
    shown, terminal = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "connector.cli", "docs", "okta"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm-256color", "PAGER": pager, **environment},
        cwd=ROOT,
    )
    os.close(terminal)
    found, deadline = bytearray(), time.monotonic() + 120
    try:
        # Linux says by an error that the other end was closed.
        with contextlib.suppress(OSError):
            while part := _read(shown, deadline):
                found += part
        assert program.wait(timeout=120) == 0, found.decode()
    finally:
        program.kill()  # Nothing, where it has ended.
        program.wait()
        os.close(shown)
    return found.decode()


def _read(shown, deadline):
    ready, _, _ = select.select([shown], [], [], max(0, deadline - time.monotonic()))
    assert ready, "the program neither writes nor ends"
    return os.read(shown, 65_536)


@pytest.fixture
def less(tmp_path):
    """A pager that shows escape codes as `less` does: as they are with -R, as text without."""
    path = tmp_path / "less"
    path.write_text('#!/bin/sh\ncase "$LESS" in *R*) cat ;; *) sed "s/\\x1b/ESC/g" ;; esac\n')
    path.chmod(0o755)
    return str(path)


def test_a_terminal_shows_the_document_set_and_no_escape_code_as_text(less):
    text = in_terminal(less, LESS="")
    assert "ESC[" not in text and "\x1b[" in text
    assert "# " not in text.splitlines()[0]


def test_a_pager_that_was_told_to_pass_no_codes_on_is_given_none(less):
    text = in_terminal(less, LESS="-i")
    assert "ESC[" not in text and "\x1b[" not in text
    assert "Okta" in text


def test_the_manual_is_found_where_this_python_puts_data_files(tmp_path, monkeypatch):
    place = tmp_path / "local" / "share" / "doc" / "docusign-iga-connector"
    place.mkdir(parents=True)
    (place / "troubleshooting.md").write_text("# Trouble\n")
    monkeypatch.setattr(docs, "__file__", str(tmp_path / "a" / "b" / "c" / "docs.py"))
    monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(tmp_path / "local"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "elsewhere"))
    assert docs._directory() == place
    (place / "troubleshooting.md").unlink()
    with pytest.raises(PermanentError) as missing:
        docs._directory()
    assert str(place) in str(missing.value) and str(tmp_path / "elsewhere") in str(missing.value)


def test_a_misspelled_name_is_told_with_those_that_are_near():
    result = run("operation")
    assert result.exit_code == 1
    assert "Did you mean operations" in result.stderr


def test_who_has_only_the_wheel_is_sent_to_no_file_that_it_lacks():
    found = {
        (str(path.relative_to(ROOT)), match)
        for path in (*SOURCES, *TEMPLATES)
        for text in said(path)
        for match in FILE.findall(text)
    }
    assert found == set()


def test_every_document_that_a_message_names_is_there():
    named = {
        name
        for path in (*SOURCES, *TEMPLATES)
        for text in said(path)
        for name in COMMAND.findall(text)
        if name.islower()
    }
    assert len(named) > 5
    assert {name: run(name).exit_code for name in named} == dict.fromkeys(named, 0)


def test_the_example_refers_to_documents_that_are_there():
    text = (ROOT / "config.example.yaml").read_text("utf-8")
    assert "`docusign-iga docs NAME`" in text
    named = set(FILE.findall(text))
    assert named
    assert {name for name in named if not (ROOT / name).is_file()} == {"docs/NAME.md"}
