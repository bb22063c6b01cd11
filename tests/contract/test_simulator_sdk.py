"""DocuSign's own Python SDKs, unchanged, against the simulator on a real TLS socket."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from types import SimpleNamespace

import docusign_admin
import docusign_esign
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from simulator.server import SimulatorServer
from simulator.state.keys import SCOPES
from simulator.state.model import Status
from simulator.state.organization import utc_now
from tests.simulated import simulated


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 with its key in one PEM file: the SDKs insist on https."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(scope="module")
def server(certificate):
    world = simulated(60, now=utc_now)  # The SDKs sign by the time of the machine.
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with SimulatorServer(world.app, tls=tls) as running:
        world.base_url = running.url
        yield SimpleNamespace(world=world, url=running.url, **world.details)


@pytest.fixture
def trusted(certificate):
    """Let both SDKs trust the certificate; their configuration is one object a process."""
    configurations = [docusign_esign.Configuration(), docusign_admin.Configuration()]
    for configuration in configurations:
        configuration.ssl_ca_cert = str(certificate)
    yield
    for configuration in configurations:
        configuration.ssl_ca_cert = None


def client_of(sdk, server, path):
    """Return an API client of an SDK with a token from the JWT grant."""
    client = sdk.ApiClient(host=server.url + path, oauth_host_name=server.jwt_audience)
    token = client.request_jwt_user_token(
        server.integration_key,
        server.user_id,
        server.jwt_audience,
        server.private_key_pem.encode(),
        3600,
        sorted(SCOPES),
    )
    client.access_token = token.access_token
    return client


@pytest.fixture
def esign(server, trusted):
    client = client_of(docusign_esign, server, "/restapi")
    yield client
    client.rest_client.pool_manager.clear()


@pytest.fixture
def admin(server, trusted):
    client = client_of(docusign_admin, server, "/Management")
    yield client
    client.rest_client.pool_manager.clear()


@pytest.fixture
def account_id(server):
    return server.accounts[0]["account_id"]


def new_users(*people):
    return docusign_esign.NewUsersDefinition(
        new_users=[
            docusign_esign.UserInformation(user_name=name, email=email) for name, email in people
        ]
    )


def test_userinfo(esign, server):
    who = esign.get_user_info(esign.access_token)
    assert who.sub == server.user_id
    assert [item.account_id for item in who.accounts] == [i["account_id"] for i in server.accounts]
    assert who.accounts[0].base_uri == server.url
    # The SDK models the organization as text.
    assert server.organization_id in who.accounts[0].organization


def test_account_and_users(esign, account_id, server):
    account = docusign_esign.AccountsApi(esign).get_account_information(account_id)
    assert account.account_id_guid == account_id
    users = docusign_esign.UsersApi(esign)
    page = users.list(account_id, count="10", additional_info="true")
    assert len(page.users) == int(page.result_set_size) == 10
    assert page.users[0].permission_profile_name == "Account Administrator"
    assert users.get_information(account_id, server.user_id).is_admin == "True"


def test_a_user_from_creation_to_closing(esign, account_id):
    users = docusign_esign.UsersApi(esign)
    people = (("Ada Byron", "ada@northwind-freight.example"), ("No Address", "none"))
    made, refused = users.create(account_id, new_users_definition=new_users(*people)).new_users
    assert made.user_status == "ActivationSent"
    assert refused.error_details.error_code == "INVALID_EMAIL_ADDRESS_FOR_USER"
    change = docusign_esign.UserInformation(first_name="Augusta")
    updated = users.update_user(account_id, made.user_id, user_information=change)
    assert updated.user_name == "Augusta Byron"
    many = docusign_esign.UserInformationList(
        users=[docusign_esign.UserInformation(user_id=made.user_id, job_title="Analyst")]
    )
    assert users.update_users(account_id, user_information_list=many).users[0].job_title
    gone = docusign_esign.UserInfoList(users=[docusign_esign.UserInfo(user_id=made.user_id)])
    closed = users.delete(account_id, user_info_list=gone, delete="Groups,PermissionSet")
    assert closed.users[0].user_status == "Closed"


def test_groups(esign, account_id, server):
    groups = docusign_esign.GroupsApi(esign)
    wanted = docusign_esign.GroupInformation(groups=[docusign_esign.Group(group_name="Harbour")])
    made = groups.create_groups(account_id, group_information=wanted).groups[0]
    members = docusign_esign.UserInfoList(users=[docusign_esign.UserInfo(user_id=server.user_id)])
    groups.update_group_users(account_id, made.group_id, user_info_list=members)
    assert groups.list_group_users(account_id, made.group_id).users[0].user_id == server.user_id
    groups.delete_group_users(account_id, made.group_id, user_info_list=members)
    renamed = docusign_esign.Group(group_id=made.group_id, group_name="Port")
    information = docusign_esign.GroupInformation(groups=[renamed])
    assert groups.update_groups(account_id, group_information=information).groups[0].group_name
    found = groups.list_groups(account_id, search_text="Port", include_usercount="true").groups
    assert [(item.group_name, item.users_count) for item in found] == [("Port", "0")]
    groups.delete_groups(account_id, group_information=information)
    assert groups.list_groups(account_id, search_text="Port").groups == []


def test_permission_profiles(esign, account_id):
    accounts = docusign_esign.AccountsApi(esign)
    wanted = docusign_esign.PermissionProfile(permission_profile_name="Harbour Sender")
    made = accounts.create_permission_profile(account_id, permission_profile=wanted)
    one = accounts.get_permission_profile(account_id, made.permission_profile_id)
    assert one.permission_profile_name == "Harbour Sender"
    accounts.delete_permission_profile(account_id, made.permission_profile_id)
    names = [
        item.permission_profile_name
        for item in accounts.list_permissions(account_id).permission_profiles
    ]
    assert "DocuSign Viewer" in names
    assert "Harbour Sender" not in names


def test_an_error_is_an_api_exception(esign, account_id):
    with pytest.raises(docusign_esign.ApiException) as refusal:
        docusign_esign.UsersApi(esign).get_information(account_id, "unknown")
    assert refusal.value.status == 404
    assert b"USER_NOT_FOUND" in refusal.value.body


def test_organization(admin, server, account_id):
    accounts = docusign_admin.AccountsApi(admin)
    organization = accounts.get_organizations(mode="org_admin").organizations[0]
    assert organization.id == server.organization_id
    permissions = accounts.get_permissions(server.organization_id, account_id).permissions
    assert permissions[0].name == "Account Administrator"
    assert accounts.get_groups(server.organization_id, account_id, take=5).paging.next
    domains = docusign_admin.ReservedDomainsApi(admin).get_reserved_domains(server.organization_id)
    assert domains.reserved_domains[0].status == "active"
    providers = docusign_admin.IdentityProvidersApi(admin)
    assert providers.get_identity_providers(server.organization_id).identity_providers


def test_organization_users_and_profile(admin, server, account_id):
    users = docusign_admin.UsersApi(admin)
    page = users.get_users(server.organization_id, account_id=account_id, take=5)
    assert page.paging.result_set_size == 5
    person = users.get_user_profiles(server.organization_id, email=page.users[1].email).users[0]
    assert person.is_organization_admin is True
    assert person.memberships[0].permission_profile.name == "Account Administrator"


def test_an_organization_user_from_creation_to_closing(admin, server, account_id):
    users = docusign_admin.UsersApi(admin)
    place = docusign_admin.NewUserRequestAccountProperties(
        id=account_id,
        permission_profile=docusign_admin.PermissionProfileRequest(
            id=int(server.accounts[0]["baseline_profile"])
        ),
    )
    request = docusign_admin.NewUserRequest(
        email="grace@northwind-freight.example",
        user_name="Grace Hopper",
        accounts=[place],
        auto_activate_memberships=True,
    )
    made = users.create_user(server.organization_id, request)
    membership = server.world.state.user(made.id).memberships[account_id]
    assert membership.status is Status.ACTIVE
    change = docusign_admin.UpdateUserRequest(
        id=made.id,
        site_id=made.site_id,
        first_name="Amazing",
        memberships=[
            docusign_admin.UpdateMembershipRequest(account_id=account_id, job_title="Admiral")
        ],
    )
    request = docusign_admin.UpdateUsersRequest(users=[change])
    assert users.update_user(server.organization_id, request).success
    assert (membership.user.user_name, membership.job_title) == ("Amazing Hopper", "Admiral")
    address = docusign_admin.UpdateUserEmailRequest(
        id=made.id, site_id=made.site_id, email="grace@northwind-rail.example"
    )
    request = docusign_admin.UpdateUsersEmailRequest(users=[address])
    assert users.update_email_address(server.organization_id, request).success
    closing = docusign_admin.DeleteMembershipsRequest(
        accounts=[docusign_admin.DeleteMembershipRequest(id=account_id)]
    )
    assert users.close_memberships(server.organization_id, made.id, closing).success
    assert membership.status is Status.CLOSED


def test_activate_a_pending_membership(admin, server):
    pending = server.world.member(status=Status.ACTIVATION_SENT)
    request = docusign_admin.ForceActivateMembershipRequest(site_id=pending.user.site_id)
    docusign_admin.UsersApi(admin).activate_membership(
        server.organization_id, pending.user.user_id, pending.membership_id, request
    )
    assert pending.status is Status.ACTIVE


def test_export(admin, server):
    exports = docusign_admin.BulkExportsApi(admin)
    request = docusign_admin.OrganizationExportRequest(type="organization_memberships_export")
    ordered = exports.create_user_list_export(server.organization_id, request)
    asked = exports.get_user_list_export(server.organization_id, ordered.id)
    assert (ordered.status, asked.status) == ("in_process", "completed")
    assert asked.results[0].url.startswith(server.url)
    exports.delete_user_list_export(server.organization_id, ordered.id)
    assert exports.get_user_list_exports(server.organization_id).exports == []
