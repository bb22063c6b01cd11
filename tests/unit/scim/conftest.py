import pytest

from tests.unit.scim.memory_handler import TOKEN, create_app
from tests.unit.scim.wire import ANN, KIM, LEGAL


@pytest.fixture
def client():
    """A service provider with two users and a group."""
    client = create_app().test_client()
    for url, body in (("/Users", ANN), ("/Users", KIM), ("/Groups", LEGAL)):
        assert client.post(f"/scim/v2{url}", json=body, headers=TOKEN).status_code == 201
    return client
