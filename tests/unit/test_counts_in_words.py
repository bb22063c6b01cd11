"""One finding is no ``1 findings``: a number that may be one is written with its noun by
:func:`connector.domain.writing.counted`, and in templates by the filter ``plural``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import connector
from connector.console.filters import plural
from connector.domain.writing import counted, noun

ROOT = Path(connector.__file__).parent
NOUNS = (
    "account|anchor|approval|call|change|day|difference|entitlement|event|finding|group|holder"
    "|item|line|member|membership|pause|place|request|row|session|task|tenant|token|user|warning"
)
IN_CODE = re.compile(r"\{[^{}]+\} (?:new |open )?(?:" + NOUNS + r")s\b")
IN_TEMPLATES = re.compile(r"\| ?(?:number|length) ?\}\} (?:new |open )?(?:" + NOUNS + r")s\b")
LIMITS = (
    *("{MOST} findings", "1 to {most} days", "{asked} users that were asked for"),
    *("{reading.limit:,} calls", "requests_per_minute} requests", "{ESTIMATE} calls"),
    "{progress} memberships",
)
"""Numbers that are settings, or more than one."""
VERBS = ("{purpose} pauses", "{method} changes")


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 findings"), (1, "1 finding"), (2, "2 findings"), (12_345, "12,345 findings")],
)
def test_a_number_has_the_noun_that_it_asks_for(number, words):
    assert counted(number, "finding") == words
    assert plural(number, "finding").split()[-1] == words.split()[-1]


def test_a_noun_may_have_a_plural_of_its_own():
    assert counted(1, "person", "people") == "1 person"
    assert counted(3, "person", "people") == "3 people"
    assert (noun(1, "was", "were"), noun(2, "was", "were")) == ("was", "were")


def test_no_message_writes_a_plural_after_any_number():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in ROOT.rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if IN_CODE.search(line) and 'f"' in line and not any(map(line.count, (*LIMITS, *VERBS)))
    ]
    assert found == []


def test_no_template_does():
    found = [
        f"{path.relative_to(ROOT)}: {hit[0]}"
        for ending in ("*.html", "*.j2")
        for path in ROOT.rglob(ending)
        for hit in IN_TEMPLATES.finditer(path.read_text())
    ]
    assert found == []
