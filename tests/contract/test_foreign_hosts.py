"""An access token goes to DocuSign's own hosts alone, whatever userinfo says."""

import pytest

from connector.docusign.directory import DocusignDirectory
from connector.docusign.errors import RefusedError
from tests.connector import connected
from tests.simulated import simulated


def test_no_token_is_sent_to_a_foreign_address(tmp_path, monkeypatch):
    connector = connected(tmp_path / "c.db", world=simulated(5))
    account = connector.world.account.account_id
    directory = connector.services.context.directory
    assert isinstance(directory, DocusignDirectory)
    access = directory._access
    monkeypatch.setattr(access, "_places", {account: _elsewhere(access.place(account))})
    with pytest.raises(RefusedError, match="no access token is sent there"):
        access.account(account)
    connector.close()


def _elsewhere(place):
    return type(place)(place.account_id, place.name, "https://evil.example", None)
