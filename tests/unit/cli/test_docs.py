"""``docusign-iga docs``, and that whatever refers to a document refers to that."""

import ast
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from connector.cli.main import main

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
