"""The guides quote what the connector really answers, and exist for every product."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from connector.exports import PRODUCTS, RETRYABLE_ERRORS

ROOT = Path(__file__).parents[3]
GUIDES = ROOT / "docs" / "guides"


@cache
def texts():
    """Every text of the code; what is filled in stands as a line break."""
    found = []
    for path in [*ROOT.glob("scim/**/*.py"), *ROOT.glob("connector/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(_literal(part) for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def _literal(part):
    return part.value if isinstance(part, ast.Constant) else "\n"


def quoted(product):
    """Return the texts in the second column of the table of faults."""
    _, _, table = (GUIDES / f"{product}.md").read_text("utf-8").partition("## Faults")
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return [text for row in rows for text in re.findall(r"`([^`]+)`", row[1])]


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_quoted_answer_is_in_the_code(product):
    answers = quoted(product)
    assert len(answers) >= 15
    for answer in answers:
        pattern = re.compile(".*".join(map(re.escape, answer.split("…"))), re.DOTALL)
        assert any(pattern.search(text) for text in texts()), answer


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_guide_covers_what_administrators_ask(product):
    text = (GUIDES / f"{product}.md").read_text("utf-8")
    for heading in (
        "Every field",
        "Requests",
        "Manual tasks",
        "Approvals",
        "Delta",
        "Throttling",
        "Faults",
    ):
        assert f"\n## {heading}" in text
    assert "organization-admin" in text
    assert "**Disabling leaves the organization-administrator role**" in text
    assert f"docusign-iga export {product}" in text
    assert "[P]" in text
    assert "[I]" in text
    _, _, approvals = text.partition("\n## Approvals")
    approvals, _, _ = approvals.partition("\n## ")
    assert all(word in approvals for word in ("`pending`", "denial", "expir", "../approvals.md"))


@pytest.mark.parametrize("product", ["identityiq", "isc"])
def test_guides_of_those_who_read_deltas_tell_of_the_overlap(product):
    text = (GUIDES / f"{product}.md").read_text("utf-8")
    _, _, deltas = text.partition("\n## Delta")
    deltas, _, _ = deltas.partition("\n## ")
    assert "five minutes" in deltas and "../scim.md#reading-what-changed" in deltas
    assert "## Reading what changed" in (ROOT / "docs" / "scim.md").read_text("utf-8")


def test_the_connectors_passing_errors_are_among_the_retryable_ones():
    ours = {"temporarily unavailable", "Precondition Failed", "Too many requests"}
    assert ours <= set(RETRYABLE_ERRORS)
    assert all(any(word in text for text in texts()) for word in ours)
