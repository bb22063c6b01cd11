"""A person's address is found in a text where it stands whole, and nowhere else."""

from __future__ import annotations

import pytest

from connector.domain.erasure import names_any


@pytest.mark.parametrize(
    "text",
    [
        "ann@x.example",
        "Create ANN@X.example in Acme.",
        "address:ann@x.example",
        "'ann@x.example' is taken, \u2018ann@x.example\u2019 too",
        "Ann Lee <ann@x.example>, (ann@x.example);",
        "/Users/ann@x.example",
        "one line\nann@x.example\nanother",
    ],
)
def test_an_address_is_found_where_it_stands_whole(text):
    assert names_any(["nothing", text], ["ann@x.example"])


@pytest.mark.parametrize(
    "text",
    [
        "joann@x.example",
        "jo.ann@x.example",
        "jo-ann@x.example",
        "jo+ann@x.example",
        "jo_ann@x.example",
        "j\u00f6ann@x.example",
        "o'ann@x.example",
        "ann@x.example.org",
        "ann@x.example-freight.org",
        "ann@x.examples",
    ],
)
def test_an_address_is_not_found_in_another(text):
    assert not names_any([text], ["ann@x.example"])


def test_the_end_of_a_domain_and_no_name_at_all_are_found_nowhere():
    assert not names_any(["a@x.com"], ["a@x.co"])
    assert names_any(["a@x.co."], ["", "a@x.co"])
    assert not names_any(["a@x.co"], [""])
    assert not names_any(["a@x.co"], [])
