"""Single settings by their path."""

import pytest

from connector.domain.tenant_documents import differences, with_value
from connector.errors import InvalidRequestError


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("a", 1, {"a": 1, "s": {"x": 1}, "l": [{"k": 1}]}),
        ("s.x", 2, {"s": {"x": 2}, "l": [{"k": 1}]}),
        ("s.y.z", 2, {"s": {"x": 1, "y": {"z": 2}}, "l": [{"k": 1}]}),
        ("s.x", None, {"s": {}, "l": [{"k": 1}]}),
        ("s.nothing", None, {"s": {"x": 1}, "l": [{"k": 1}]}),
        ("l[0].k", 2, {"s": {"x": 1}, "l": [{"k": 2}]}),
        ("l[1]", {"k": 3}, {"s": {"x": 1}, "l": [{"k": 1}, {"k": 3}]}),
        ("l[0]", None, {"s": {"x": 1}, "l": []}),
    ],
)
def test_a_value_is_put_at_its_path(path, value, expected):
    document = {"s": {"x": 1}, "l": [{"k": 1}]}
    assert with_value(document, path, value) == expected
    assert document == {"s": {"x": 1}, "l": [{"k": 1}]}


@pytest.mark.parametrize("path", ["", "a..b", "a[", "a[x]", "l[7].k", ".a"])
def test_no_path_is_refused(path):
    with pytest.raises(InvalidRequestError):
        with_value({"l": []}, path, 1)


def test_what_differs_is_named_by_its_path():
    before = {"a": 1, "s": {"x": 1}, "l": [{"k": 1}]}
    after = {"s": {"x": 1, "y": {}}, "l": [{"k": 2}, 3]}
    assert differences(before, after) == ["a", "l[0].k", "l[1]", "s.y"]
    assert differences(before, before) == []
