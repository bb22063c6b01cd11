"""What all tenants of a process share of DocuSign, and what each gets from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.docusign.access import Access
from connector.docusign.admin import AdminApi
from connector.docusign.auth import TokenSource
from connector.docusign.client import ApiClient
from connector.docusign.code_grant import CodeGranter
from connector.docusign.designer import DocusignDesigner
from connector.docusign.directory import DocusignDirectory
from connector.docusign.esign_reads import EsignReader
from connector.docusign.esign_writes import EsignWriter
from connector.docusign.examination import DocusignExaminer
from connector.docusign.exports import UserExports
from connector.docusign.hosts import Hosts
from connector.docusign.limits import Gate, LimitGate
from connector.docusign.members import Members
from connector.docusign.monitor import MonitorApi
from connector.docusign.openings import Openings
from connector.docusign.probing import DocusignProber
from connector.docusign.transfers import TransferRules
from connector.docusign.transport import Transport
from connector.domain.consent.links import App
from connector.ports import CallJournal, Clock, Store, TokenListener
from connector.sealing import Sealer
from connector.settings import DocusignSettings, TenantSettings

if TYPE_CHECKING:
    import requests


class Connection:
    """What all tenants of a process share: tokens, connection pool, limit gate."""

    def __init__(  # noqa: PLR0917 -- adapters, each with a default
        self,
        settings: DocusignSettings,
        clock: Clock,
        session: requests.Session | None = None,
        journal: CallJournal | None = None,
        gate: Gate | None = None,
        listener: TokenListener | None = None,
    ) -> None:
        """:param journal: notes every call.
        :param gate: says who may call; None for one of this process alone.
        :param listener: hears every answer of the token endpoint."""
        self._settings = settings
        self._clock = clock
        self._hosts = Hosts.of(settings)
        self._transport = Transport(settings, session, journal)
        self._tokens = TokenSource(settings, self._hosts, self._transport, clock, listener)
        self._gate = gate or LimitGate(clock)
        self._client = ApiClient(settings, self._transport, self._tokens, self._gate, clock)

    @property
    def people_url(self) -> str:
        """DocuSign Admin in a browser; empty for a custom environment."""
        return self._hosts.people_url

    def close(self) -> None:
        """Close the pooled connections."""
        self._transport.close()
        self._gate.close()

    def examiner(self, tenant: TenantSettings, redirect_uri: str) -> DocusignExaminer:
        """Return what a diagnosis of a tenant's connection asks.

        :param redirect_uri: where people come back after they consented.
        """
        app = App(
            self._hosts.oauth_url,
            self._hosts.people_url or self._hosts.oauth_url,
            self._settings.integration_key,
            redirect_uri,
        )
        return DocusignExaminer(
            self._settings,
            tenant,
            self._clock,
            app=app,
            transport=self._transport,
            tokens=self._tokens,
            client=self._client,
            gate=self._gate,
        )

    def prober(self, tenant: TenantSettings) -> DocusignProber:
        """Return what tries out how DocuSign behaves."""
        access = Access(self._client, self._hosts, tenant, self._clock)
        return DocusignProber(
            self._settings.environment,
            tenant,
            self._clock,
            access=access,
            client=self._client,
            gate=self._gate,
        )

    def code_granter(
        self, tenant: TenantSettings, store: Store, sealer: Sealer
    ) -> CodeGranter | None:
        """Let a tenant's tokens come by authorization code where it is connected so, and return
        what connects it; None where it is impersonation."""
        granter = None
        if tenant.grant == "authorization_code":
            granter = CodeGranter(
                self._settings,
                tenant,
                hosts=self._hosts,
                transport=self._transport,
                store=store,
                sealer=sealer,
                clock=self._clock,
            )
        self._tokens.use(tenant.name, granter)
        return granter

    def designer(self, tenant: TenantSettings) -> DocusignDesigner:
        """Return what sets up the accounts of a tenant."""
        access = Access(self._client, self._hosts, tenant, self._clock)
        return DocusignDesigner(self._client, access)

    def directory(self, tenant: TenantSettings) -> DocusignDirectory:
        """Return DocuSign as the service user of a tenant sees it."""
        behaviour, clock = self._settings.behaviour, self._clock
        access = Access(self._client, self._hosts, tenant, clock)
        reader = EsignReader(self._client, access, behaviour, clock)
        writer = EsignWriter(self._client, access)
        admin = AdminApi(self._client, access, tenant, clock, behaviour=behaviour)
        members = Members(reader, writer, behaviour)
        return DocusignDirectory(
            tenant,
            access,
            reader=reader,
            writer=writer,
            transfers=TransferRules(self._client, access),
            admin=admin,
            monitor=MonitorApi(
                self._client, access, self._hosts, tenant, self._settings.integration_key
            ),
            exports=UserExports(self._client, access, self._hosts),
            members=members,
            openings=Openings(
                behaviour,
                clock,
                access=access,
                reader=reader,
                writer=writer,
                admin=admin,
                members=members,
            ),
        )


def build_directory(
    settings: DocusignSettings,
    tenant: TenantSettings,
    clock: Clock,
    session: requests.Session | None = None,
) -> DocusignDirectory:
    """Return the directory of a single tenant.

    :param session: replaces the pooled session, for tests.
    """
    return Connection(settings, clock, session).directory(tenant)
