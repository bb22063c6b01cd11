"""Links between the documents lead somewhere."""

import re
from datetime import timedelta
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("connector", "mappings", "scim", "simulator")
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
REFERENCE = re.compile(rf":[a-z]+:`~?((?:{'|'.join(PACKAGES)})\.[\w.]+)`")
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]+))?\)")


def prose(path):
    return re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)


@cache
def anchors(path):
    """Return the headings of a document as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(document):
    dead = []
    for place, heading in LINK.findall(prose(document)):
        target = (document.parent / place).resolve() if place else document
        if not target.exists() or (heading and heading not in anchors(target)):
            dead.append(f"{place}#{heading}")
    assert dead == []


@pytest.mark.parametrize("layer", ["domain", "services"])
def test_the_architecture_tells_of_every_part_of(layer):
    parts = {path.stem for path in (ROOT / "connector" / layer).glob("[a-z]*")}
    told = re.findall(r"`(\w+)`", (ROOT / "docs" / "architecture.md").read_text("utf-8"))
    assert parts - set(told) == set()


TAKEN_FOR_GRANTED = re.findall(
    r"^\| `([\w/]+\.py)(?::(\w+))?` \| (.+?) \|",
    (ROOT / "docs" / "docusign.md").read_text("utf-8"),
    re.MULTILINE,
)


def as_told(value):
    """Return what the document has to say of a value: numbers, times and words. Of a function, and
    of a set of names that are too many to tell, nothing."""
    if isinstance(value, timedelta):
        hours = value // timedelta(hours=1)
        return [f"{value.days} days" if value.days > 1 else f"{hours} hours"]
    if isinstance(value, (int, float)) or (isinstance(value, str) and value.isdigit()):
        return [f"{int(value):,}"]
    if isinstance(value, (str, tuple)):
        return [f"`{part}`" for part in ([value] if isinstance(value, str) else value)]
    if isinstance(value, re.Pattern):
        hosts = re.search(r"\\\.\((.*)\)", value.pattern)[1].split("|")
        return [f"`docusign.{part}`" for part in hosts]
    return [key for key in value if key.isdigit()] if isinstance(value, dict) else []


def lacks(told, word):
    """Whether a word does not stand in a text by itself: 100 is not in 1,000 or 3,100."""
    return not re.search(rf"(?<![\w,]){re.escape(word)}(?!\w|,\d)", told)


def is_told_by_name(value):
    """Whether the document tells what a thing does, or what kind of names it has."""
    return isinstance(value, (frozenset, dict)) or callable(value)


@pytest.mark.parametrize(("path", "name", "told"), TAKEN_FOR_GRANTED)
def test_what_is_taken_for_granted_of_docusign_stands_in_the_code_as_it_is_told(path, name, told):
    assert name, "the row says no name to hold it against"
    text = (ROOT / "connector" / path).read_text("utf-8")
    assert re.search(rf"^(?:{name}\b| *def {name}\()", text, re.MULTILINE)
    module = import_module(f"connector.{path.removesuffix('.py').replace('/', '.')}")
    value = getattr(module, name, None)
    if value is None:
        return  # A method: it is there, as was looked for.
    words = as_told(value)
    assert words or is_told_by_name(value)
    assert [word for word in words if lacks(told, word)] == []


@pytest.mark.parametrize(
    ("value", "told", "is_told"),
    [
        (100, "A page has 100 users.", True),
        (10, "A page has 100 users.", False),
        (3000, "It has 3,000 calls.", True),
        (300, "It has 3,000 calls.", False),
        (timedelta(hours=24), "after 24 hours.", True),
        (timedelta(hours=12), "after 24 hours.", False),
        (timedelta(days=30), "lives 30 days", True),
        ("completed", "A rule with `completed` covers", True),
        ("delivered", "A rule with `completed` covers", False),
        (("A", "B"), "has `A`", False),
        ({"1": "x", "2": "y"}, "are 1 (X), 3 (Y)", False),
        (re.compile(r"([a-z]+\.)+docusign\.(net|com)"), "`docusign.net` or `docusign.com`", True),
        (re.compile(r"([a-z]+\.)+docusign\.(net|org)"), "`docusign.net` or `docusign.com`", False),
    ],
)
def test_a_value_that_changed_is_not_taken_for_told(value, told, is_told):
    assert any(lacks(told, word) for word in as_told(value)) is not is_told


def test_there_is_a_list_of_what_is_taken_for_granted():
    assert len(TAKEN_FOR_GRANTED) > 15


def names_nothing(reference):
    """Whether a reference such as ``connector.ports.Store.read`` begins with no module, or goes on
    with a name that does not stand in it."""
    parts = reference.split(".")
    for end in range(len(parts), 1, -1):
        try:
            found = find_spec(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        if found is not None and found.origin is not None:
            text = Path(found.origin).read_text("utf-8")
            return not all(re.search(rf"\b{name}\b", text) for name in parts[end : end + 1])
    return True


def test_what_docstrings_refer_to_exists():
    dead = {
        (str(path.relative_to(ROOT)), reference)
        for path in SOURCES
        for reference in REFERENCE.findall(path.read_text("utf-8"))
        if names_nothing(reference)
    }
    assert dead == set()
