"""What is asked of an address is asked of the stored one, whatever the operator and the text."""

from hypothesis import given
from hypothesis import strategies as st

from connector.ports import BASE_URL_MARK
from connector.scim_handlers.locations import as_stored
from connector.scim_handlers.schemas import GROUPS, USERS
from scim.evaluate import matches
from scim.filters import AttributePath, Comparison, Not, Operator, ValuePath

BASE = "https://a.test/a.test/v2"
PATH = "/Users/v2/Users/a"
FRAGMENTS = st.builds(
    lambda start, end: (BASE + PATH)[start:end],
    st.integers(0, len(BASE + PATH)),
    st.integers(0, len(BASE + PATH)),
)
TEXTS = (
    FRAGMENTS | st.builds("".join, st.lists(FRAGMENTS, max_size=2)) | st.text("atv2/Uh", max_size=4)
)


@given(operator=st.sampled_from(list(Operator)), text=TEXTS, negated=st.booleans())
def test_the_location(operator, text, negated):
    filter_ = Comparison(AttributePath("meta", "location"), operator, text)
    asked = Not(filter_) if negated else filter_
    seen, stored = ({"meta": {"location": base + PATH}} for base in (BASE, BASE_URL_MARK))
    found = matches(as_stored(asked, BASE), stored, USERS.schema)
    assert found == matches(asked, seen, USERS.schema)


@given(operator=st.sampled_from(list(Operator)), text=TEXTS)
def test_one_of_several_members(operator, text):
    asked = ValuePath(AttributePath("members"), Comparison(AttributePath("$ref"), operator, text))
    seen, stored = (
        {"members": [{"$ref": base + PATH}, {"value": "x"}]} for base in (BASE, BASE_URL_MARK)
    )
    found = matches(as_stored(asked, BASE), stored, GROUPS.schema)
    assert found == matches(asked, seen, GROUPS.schema)
