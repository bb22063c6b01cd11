"""A connector that is connected by authorization code, and its pages."""

from __future__ import annotations

import re
from dataclasses import replace

from connector.app import create_app
from connector.bootstrap import build
from connector.settings import ChannelSettings, NotificationSettings, Secret
from tests.connector import _settings
from tests.visitors import ROOT

CALLBACK = "https://scim.acme.test/consent/callback"
HOUR = 3600.0
CHANNEL = ChannelSettings("all", "email", ("*",), ("ops@acme.test",))


class Site:
    """A connector that is connected by authorization code."""

    def __init__(self, database, clock, world, *, grant="authorization_code", **docusign):
        channels = NotificationSettings(channels=(CHANNEL,))
        settings = _settings(world, database, grant=grant, notifications=channels)
        settings = replace(
            settings,
            database=replace(settings.database, encryption_key=Secret("k" * 40)),
            docusign=replace(
                settings.docusign,
                **{
                    "private_key": None,
                    "client_secret": Secret(world.details["client_secret"]),
                    **docusign,
                },
            ),
        )
        self.world, self.clock = world, clock
        self.application = build(settings, clock=clock, session=world.session())
        self.http = create_app(self.application).test_client()

    @property
    def services(self):
        return self.application.tenant("default")

    def sign_in(self, link=None, decision="accept", **form):
        """Open the link as the service user and come back; return the page."""
        link = link or self.services.connecting.begin(ROOT)
        path = link.removeprefix(self.world.base_url)
        data = {"decision": decision, "user_id": self.world.state.service_user_id, **form}
        browser = self.world.app.test_client()
        answer = browser.post(path, data=data, base_url=self.world.base_url)
        assert answer.status_code == 302, answer.text
        self.back = answer.headers["Location"].removeprefix("https://scim.acme.test")
        return self.http.get(self.back)

    def grant(self):
        return self.services.connecting.grant()

    def use(self):
        """Call DocuSign as a sync does."""
        return self.services.aggregation.sync()

    def close(self):
        self.application.close()


def titled(page):
    return re.search("<h1>(.*?)</h1>", page.text).group(1)


def application_of(world):
    return next(iter(world.state.applications.by_key.values()))


def ok_text(page):
    assert page.status_code == 200
    return page.text
