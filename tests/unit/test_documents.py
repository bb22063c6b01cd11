"""Links between the documents lead somewhere."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
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
