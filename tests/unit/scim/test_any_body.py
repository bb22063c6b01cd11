"""Whatever stands in a request, the answer is a SCIM answer and never a 500."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scim.schemas import ENTERPRISE_USER, USER
from tests.unit.scim.memory_handler import TOKEN, create_app

_ATTRIBUTES = [attribute.name for attribute in USER.attributes]
_SUBS = [sub.name for attribute in USER.attributes for sub in attribute.sub_attributes]
_NAMES = st.sampled_from([*_ATTRIBUTES, *_SUBS, ENTERPRISE_USER.id, "schemas", "id", "meta", "x"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)
_BODIES = st.dictionaries(_NAMES, _VALUES, max_size=5) | _VALUES
_PATHS = st.one_of(
    _NAMES,
    st.builds("{}.{}".format, _NAMES, _NAMES),
    st.builds('{}[{} eq "a"].{}'.format, _NAMES, _NAMES, _NAMES),
    st.builds("{}[not ({} pr)]".format, _NAMES, _NAMES),
    st.builds(f"{ENTERPRISE_USER.id}:{{}}".format, st.sampled_from(["manager", "department", "x"])),
    st.text(max_size=5),
    st.none(),
)
_OPERATIONS = st.lists(
    st.builds(
        lambda op, path, value: {"op": op, "path": path, "value": value},
        st.sampled_from(["add", "remove", "replace"]),
        _PATHS,
        _BODIES,
    ),
    max_size=3,
)
ANN = {
    "userName": "ann@x",
    "emails": [{"value": "a", "type": "work", "primary": True}, {"value": "b"}],
    "roles": ["a"],
    ENTERPRISE_USER.id: {"manager": "U2"},
}


def _client():
    client = create_app().test_client()
    assert client.post("/scim/v2/Users", json=ANN, headers=TOKEN).status_code == 201
    return client


@given(_BODIES, st.booleans())
def test_any_resource(body, create):
    client = _client()
    send, url = (client.post, "/scim/v2/Users") if create else (client.put, "/scim/v2/Users/U1")
    assert send(url, json=body, headers=TOKEN).status_code in (200, 201, 400, 409)


@settings(max_examples=300)
@given(_OPERATIONS)
def test_any_patch(operations):
    response = _client().patch("/scim/v2/Users/U1", json={"Operations": operations}, headers=TOKEN)
    assert response.status_code in (200, 400), response.text


@given(st.dictionaries(st.sampled_from(["filter", "sortBy", "count", "attributes"]), st.text()))
def test_any_query(parameters):
    response = _client().get("/scim/v2/Users", query_string=parameters, headers=TOKEN)
    assert response.status_code in (200, 400), response.text
