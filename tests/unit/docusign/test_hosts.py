"""Where an access token may be sent."""

import pytest

from connector.docusign.hosts import Hosts
from connector.settings import DocusignSettings

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
