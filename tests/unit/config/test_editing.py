"""Single settings change in a file; everything else of it stays."""

from __future__ import annotations

import pytest
import yaml

from connector.config.editing import snippet, with_behaviour

FILE = """\
# ours
docusign:
  integration_key: abc  # the app
  # behaviour of demo
  behaviour:
    # how
    reactivation: resend_activation
    list_groups: auto   # until probed

tenants:
  default:
    user_id: u
"""


def test_what_is_there_is_replaced_and_the_rest_stays():
    after = with_behaviour(FILE, {"reactivation": "user_status", "admin_page_size": 250})
    assert yaml.safe_load(after)["docusign"]["behaviour"] == {
        "reactivation": "user_status",
        "list_groups": "auto",
        "admin_page_size": 250,
    }
    for line in ("# ours", "  # behaviour of demo", "    # how", "    user_id: u"):
        assert line in after


@pytest.mark.parametrize("section", ["", "  behaviour: {}\n", "  behaviour:\n"])
def test_a_section_that_is_empty_or_missing_is_made(section):
    text = f"docusign:\n  environment: demo\n{section}tenants: {{}}\n"
    after = yaml.safe_load(with_behaviour(text, {"list_groups": "no"}))
    assert after["docusign"] == {"environment": "demo", "behaviour": {"list_groups": "no"}}
    assert after["tenants"] == {}


def test_a_file_without_docusign_is_refused():
    with pytest.raises(ValueError, match="no section"):
        with_behaviour("tenants: {}\n", {"list_groups": "no"})


def test_the_snippet_is_what_belongs_into_the_file():
    assert yaml.safe_load(snippet({"list_groups": "no"})) == {
        "docusign": {"behaviour": {"list_groups": "no"}}
    }
