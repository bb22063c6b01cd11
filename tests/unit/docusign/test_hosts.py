"""Where an access token may be sent."""

import pytest

from connector.docusign.directory import DocusignDirectory
from connector.docusign.errors import RefusedError
from connector.docusign.hosts import Hosts
from connector.settings import DocusignSettings
from tests.connector import connected
from tests.simulated import simulated

PRODUCTION = Hosts.of(DocusignSettings(environment="production"))
CUSTOM = Hosts("http://127.0.0.1:9000", "http://127.0.0.1:9000/management", "127.0.0.1:9000")


@pytest.mark.parametrize(
    "base_uri",
    [
        "https://na2.docusign.net",
        "https://demo.docusign.net",
        "https://EU.DocuSign.NET:443",
        "https://www.docusign.com",
    ],
)
def test_docusign_hosts_serve_accounts(base_uri):
    assert PRODUCTION.serves_accounts(base_uri)
    assert CUSTOM.serves_accounts(base_uri)


@pytest.mark.parametrize(
    "base_uri",
    [
        "http://na2.docusign.net",
        "https://na2.docusign.net.evil.example",
        "https://evildocusign.net",
        "https://evil.example/.docusign.net",
        "https://na2.docusign.net@evil.example",
        "https://ann:x@na2.docusign.net",
        "https://na2.docusign.net:8443",
        "https://na2.docusign.net:port",
        "https://na2.docusign.net/path",
        "https://evil.example?.docusign.net",
        "https://evil.example#.docusign.net",
        "https://[na2.docusign.net",
        "https://evil.example\\.docusign.net",
        "ftp://na2.docusign.net",
        "http://127.0.0.1:9001",
        "na2.docusign.net",
        "",
    ],
)
def test_no_other_host_serves_accounts(base_uri):
    assert not PRODUCTION.serves_accounts(base_uri)
    assert not CUSTOM.serves_accounts(base_uri)


def test_a_custom_environment_serves_accounts_itself():
    assert CUSTOM.serves_accounts("http://127.0.0.1:9000")
    assert not PRODUCTION.serves_accounts("http://127.0.0.1:9000")


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
