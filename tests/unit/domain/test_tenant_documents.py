"""Settings as plain data: a value is found, put and compared by the same path."""

import pytest

from connector.domain.tenants.documents import differences, value_at, with_value
from connector.errors import InvalidRequestError

DOCUMENT = {"user_id": "u", "scim": {"size": 5}, "accounts": [{"id": "a"}, {"id": "b"}]}


@pytest.mark.parametrize("path", ["user_id", "scim.size", "accounts[1].id", "scim.new", "new.er"])
def test_what_was_put_somewhere_is_found_there(path):
    changed = with_value(DOCUMENT, path, "other")
    assert value_at(changed, path) == "other"
    assert list(differences(DOCUMENT, changed)) == [path]


@pytest.mark.parametrize(
    "path", ["none", "scim.none", "accounts[2].id", "user_id.x", "scim[0]", "x["]
)
def test_there_is_nothing_where_no_place_is(path):
    assert value_at(DOCUMENT, path) is None


def test_none_takes_a_value_out():
    assert with_value(DOCUMENT, "scim.size", None)["scim"] == {}


@pytest.mark.parametrize("path", ["", "a..b", "accounts[x]", "accounts[5].id"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(InvalidRequestError):
        with_value(DOCUMENT, path, "x")
