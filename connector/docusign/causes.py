"""The one table from DocuSign's codes to error classes, causes and remedies.

Codes are compared without case; statuses count only where there is no code that we know; DocuSign's
texts are never parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from connector.docusign.errors import (
    BadAnswerError,
    ClockSkewError,
    ConsentRequiredError,
    DocusignError,
    ExistsError,
    FeatureMissingError,
    IntegrationKeyUnknownError,
    InvalidDataError,
    KeyRejectedError,
    MissingError,
    NotActivatedError,
    PermissionLostError,
    RateLimitedError,
    RefusedError,
    SubjectUnknownError,
    TokenRejectedError,
    UnavailableError,
)
from connector.docusign.person_fields import fields_named

if TYPE_CHECKING:
    import requests

TRACE_HEADER = "X-DocuSign-TraceToken"
HOURLY_LIMIT = "HOURLY_APIINVOCATION_LIMIT_EXCEEDED"
BURST_LIMIT = "BURST_APIINVOCATION_LIMIT_EXCEEDED"
_CALL_LIMIT = "APIINVOCATION_LIMIT"
"""In the code of every limit of calls: only the hourly one's is well attested, and a 400 with a
code that we do not know would be taken for a refusal of the change itself."""
THROTTLED = "API_REQUEST_IS_THROTTLED"

_DETAIL_LENGTH = 200
"""Characters of DocuSign's own text in a message: enough to name the field that is wrong."""


@dataclass(frozen=True)
class Cause:
    """What a code means: the class to raise, and cause and remedy for people."""

    error: type[DocusignError]
    text: str
    may_be_the_token: bool = False
    """Whether a fresh token may help: one is asked for, once."""


_CONSENT = Cause(
    ConsentRequiredError,
    "Consent is missing: neither the service user nor an organization administrator has agreed to "
    "every requested scope in this environment. Let one of them open the consent link "
    "(`docusign-iga consent url`) and accept; consent given in the demo environment does not count "
    "in production.",
)
_KEY = Cause(
    KeyRejectedError,
    "The private key does not belong to the integration key, or it is the key of the other "
    "environment. Check docusign.private_key and docusign.integration_key under Apps and Keys. "
    "What stands in private_key_file is read anew at each such refusal; a key that was replaced in "
    "the configuration or its environment takes a restart.",
)
_ISSUER = Cause(
    IntegrationKeyUnknownError,
    "The integration key is unknown or disabled in this environment. Check "
    "docusign.integration_key and docusign.environment.",
)
_SUBJECT = Cause(
    SubjectUnknownError,
    "The service user is not an active user here. tenants.*.user_id must be the user's GUID, not "
    "an e-mail address; if it is, the user was closed or never activated.",
)
_TOKEN = Cause(
    TokenRejectedError,
    "DocuSign refuses the access token, even a fresh one. Check that the account belongs to "
    "docusign.environment and that the service user may use the API.",
    may_be_the_token=True,
)
_PERMISSION = Cause(
    PermissionLostError,
    "The service user may not do this. It needs the administrator profile in every governed "
    "account, and for organization features to be an organization administrator.",
)
_NO_MEMBERSHIP = Cause(
    PermissionLostError,
    "The service user is not an active member of this account. Add it to the account with an "
    "administrator profile.",
)
_MISSING = Cause(MissingError, "DocuSign does not know it (any more). Run a sync.")
_FEATURE = Cause(
    FeatureMissingError,
    "The account's plan does not include this feature. Ask DocuSign to enable it.",
)
_EXISTS = Cause(ExistsError, "The name or address is taken by somebody else in DocuSign.")
_RESERVED = Cause(
    ExistsError,
    "The address is held by another active or pending user in DocuSign, or reserved by another "
    "organization.",
)
_INVALID = Cause(InvalidDataError, "DocuSign does not accept a value of the request.")
_HOURLY = Cause(
    RateLimitedError,
    "The account's hourly budget of API calls is used up; all integrations of the account share "
    "it. It opens again at the next full hour; DocuSign can raise it.",
)
_BURST = Cause(RateLimitedError, "Too many API calls within 30 seconds. A short wait helps.")
_BLOCKED = Cause(
    RateLimitedError,
    "DocuSign's traffic management blocks our calls. Find out which integration calls too often, "
    "and wait.",
)
_PENDING = Cause(
    NotActivatedError, "The user has not activated yet and cannot be changed until then."
)
_DOWN = Cause(UnavailableError, "DocuSign is out of order at the moment.")
_UNKNOWN = Cause(RefusedError, "DocuSign refuses the request.")
_STRANGE = Cause(
    BadAnswerError,
    "The answer does not come from DocuSign's API. Check whether a proxy stands in between.",
)
_FOREIGN_SIGN_IN = Cause(
    BadAnswerError,
    "The answer has no code of DocuSign's: most likely a proxy in between wants a sign-in of its "
    "own. Let it pass the connector's calls. If none is there, check that the account belongs to "
    "docusign.environment and that the service user may use the API.",
    may_be_the_token=True,
)
_FOREIGN_BAN = Cause(
    BadAnswerError,
    "The answer has no code of DocuSign's: most likely a proxy or firewall in between forbids the "
    "call. Let it pass the connector's calls. If none is there, check that the service user is an "
    "administrator.",
)

CAUSES: Mapping[str, Cause] = {
    "CONSENT_REQUIRED": _CONSENT,
    "NO_VALID_KEYS_OR_SIGNATURES": _KEY,
    "ISSUER_NOT_FOUND": _ISSUER,
    "PARTNER_AUTHENTICATION_FAILED": _ISSUER,
    "INVALID_SUBJECT": _SUBJECT,
    "INVALID_CLIENT": Cause(
        RefusedError,
        "DocuSign does not accept how the app shows who it is. Check docusign.client_secret, which "
        "is the app's secret key under Apps and Keys; without one the app has to be a public one.",
    ),
    "EXPIRED_GRANT": Cause(
        ClockSkewError,
        "DocuSign takes the signed request for expired: this machine's clock is wrong. "
        "Synchronise it (NTP).",
    ),
    "AUTHORIZATION_INVALID_TOKEN": _TOKEN,
    "USER_AUTHENTICATION_FAILED": _TOKEN,
    "USER_LACKS_PERMISSIONS": _PERMISSION,
    "USER_NOT_ACCOUNT_ADMIN": _PERMISSION,
    "UNAUTHORIZED": _PERMISSION,
    "ACCOUNT_LACKS_PERMISSIONS": _FEATURE,
    "PLAN_ITEM_NOT_ENABLED": _FEATURE,
    "USER_NOT_FOUND": _MISSING,
    "USER_DOES_NOT_EXIST_IN_SYSTEM": _MISSING,
    "RESOURCE_NOT_FOUND": _MISSING,
    "INVALID_USERID": _MISSING,
    "INVALID_GROUP_ID": _MISSING,
    "USER_LACKS_MEMBERSHIP": _MISSING,
    "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT": _MISSING,
    "USER_ALREADY_EXISTS_IN_ACCOUNT": _EXISTS,
    "MEMBER_EMAIL_AND_USER_NAME_ALREADY_EXISTS_FOR_THIS_ACCOUNT": _EXISTS,
    "GROUP_NAME_ALREADY_EXISTS": Cause(ExistsError, "The account has a group of that name."),
    "EMAIL_IS_RESERVED": _RESERVED,
    "USER_AWAITING_ACTIVATION": _PENDING,
    "INVALID_REQUEST_PARAMETER": _INVALID,
    "INVALID_REQUEST_BODY": _INVALID,
    "INVALID_EMAIL_ADDRESS_FOR_USER": _INVALID,
    "INVALID_PERMISSION_PROFILE_ID": Cause(
        InvalidDataError, "The account has no such permission profile. Run a sync."
    ),
    HOURLY_LIMIT: _HOURLY,
    BURST_LIMIT: _BURST,
    THROTTLED: _BLOCKED,
}
"""By ``errorCode``, by OAuth ``error_description``, or by OAuth ``error``, in capitals."""

GRANT_ENDPOINT = "/oauth/token"
USERINFO = "/oauth/userinfo"
_CAUSES_AT: Mapping[str, Mapping[str, Cause]] = {
    # Said of the service user here, and by the APIs of the user asked for.
    GRANT_ENDPOINT: {"USER_NOT_FOUND": _SUBJECT},
    # Reports only: said where the token is of no use, and perhaps where nothing works.
    USERINFO: {"INTERNAL_SERVER_ERROR": replace(_DOWN, may_be_the_token=True)},
}
"""What codes mean at one path alone."""
# The Admin API says so of many faults that are none of the service user's rights.
_ITEM_CAUSES: Mapping[str, Cause] = {
    "UNAUTHORIZED": Cause(
        RefusedError,
        "DocuSign calls it unauthorized, which it says of many faults: a closed user, an address "
        "outside the claimed domains, a membership that cannot be activated; or the service user "
        "may not do it. Look at the user in DocuSign, then at the service user's rights.",
    )
}
# Said with 401 or 403 of the whole request, these concern the service user.
_SERVICE_USER_CODES = frozenset(
    {"USER_LACKS_MEMBERSHIP", "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT"}
)
_CODE = re.compile(r"\w+")
"""A code of DocuSign's is one word; what stands in between says "Not Found"."""
_WHOEVER_SAYS_SO: Mapping[int, Cause] = {408: _DOWN, 429: _BURST, 444: _BLOCKED}
_SAID_BY_DOCUSIGN: Mapping[int, Cause] = {401: _TOKEN, 403: _PERMISSION, 404: _MISSING}
_SAID_BY_OTHERS: Mapping[int, Cause] = {401: _FOREIGN_SIGN_IN, 403: _FOREIGN_BAN}


@dataclass(frozen=True)
class Said:
    """A refusal in DocuSign's words."""

    status: int
    code: str = ""
    """Safe to show."""
    detail: str = ""
    """As it came: foreign text."""
    trace_token: str | None = None
    path: str = ""
    """The template of the path that was asked."""
    is_item: bool = False
    """One item of a call that as a whole succeeded."""


def said(response: requests.Response, path: str = "") -> Said:
    """Return what an answer says; nothing of a body that is no JSON object.

    :param path: the template of the path that was asked.
    """
    body = json_object(response) or {}
    code, detail = _code_and_detail(body)
    trace_token = response.headers.get(TRACE_HEADER)
    return Said(response.status_code, code, detail, trace_token, path)


def json_object(response: requests.Response) -> dict[str, Any] | None:
    """Return the JSON object that an answer carries, or None."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _code_and_detail(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return code and text as the eSignature, the Admin or the token endpoint writes them."""
    if body.get("errorCode"):
        return _clean_code(str(body["errorCode"])), str(body.get("message") or "")
    error, description = str(body.get("error") or ""), str(body.get("error_description") or "")
    if description.upper() in CAUSES:
        return description, ""
    return _clean_code(error), description or str(body.get("errorMessage") or "")


def _clean_code(code: str) -> str:
    """Return a foreign code that is safe to keep and to show; those that we know are."""
    return code if code.upper() in CAUSES else clean(code)


def cause_of(refusal: Said) -> Cause:
    """Return the cause of a refusal: by code first, then by status."""
    code = refusal.code.upper()
    if refusal.is_item:
        return _ITEM_CAUSES.get(code) or CAUSES.get(code, _UNKNOWN)
    if cause := _CAUSES_AT.get(refusal.path, {}).get(code):
        return cause
    if code in _SERVICE_USER_CODES and refusal.status in (401, 403):
        return _NO_MEMBERSHIP
    if cause := CAUSES.get(code):
        return cause
    return _BURST if _CALL_LIMIT in code else _cause_by_status(refusal)


def _cause_by_status(refusal: Said) -> Cause:
    if refusal.status in _WHOEVER_SAYS_SO:
        return _WHOEVER_SAYS_SO[refusal.status]
    if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _DOWN
    if not _is_docusigns(refusal):
        # Believed, a proxy's page would turn into lost rights, or into "this leaver has no access".
        return _SAID_BY_OTHERS.get(refusal.status, _STRANGE)
    if refusal.path == GRANT_ENDPOINT:
        # By the status alone it says nothing: an access token is what it gives.
        return _UNKNOWN
    return _SAID_BY_DOCUSIGN.get(refusal.status, _UNKNOWN)


def _is_docusigns(refusal: Said) -> bool:
    """Return whether a refusal has the form that an API of DocuSign gives it: a code, or the Admin
    API's ``errorMessage`` without one."""
    return bool(_CODE.fullmatch(refusal.code) if refusal.code else refusal.detail)


def refusal_error(what: str, refusal: Said) -> DocusignError:
    """Return the error for a refusal.

    :param what: what was tried, as in "reading a user".
    """
    cause = cause_of(refusal)
    error = cause.error(
        message(what, cause.text, refusal),
        status=refusal.status,
        error_code=refusal.code or None,
        trace_token=refusal.trace_token,
    )
    error.may_be_the_token = cause.may_be_the_token
    if isinstance(error, InvalidDataError):
        error.fields = fields_named(refusal.detail)
    return error


def message(what: str, text: str, refusal: Said) -> str:
    """Return what failed, why, what to do, and what DocuSign's support will ask for."""
    code = ": ".join(filter(None, (refusal.code, clean(refusal.detail))))
    evidence = [f"HTTP {refusal.status}"]
    if code:
        evidence.insert(0, f"DocuSign: {code}")
    if refusal.trace_token:
        evidence.append(f"trace token {clean(refusal.trace_token)}")
    return f"{what[:1].upper()}{what[1:]} failed. {text} ({'; '.join(evidence)})"


def item_error(
    what: str, item: Mapping[str, Any], trace_token: str | None = None
) -> DocusignError | None:
    """Return the error that one item of a multi-item answer carries, or None.

    The eSignature API writes ``errorDetails``, the Admin API ``error_details``, both behind a
    status of 200 or 201. A text alone is an error too.
    """
    details = item.get("errorDetails") or item.get("error_details")
    if not isinstance(details, Mapping):
        details = {"message": details}
    code, detail = _code_and_detail(details)
    detail = detail or str(details.get("message") or "")
    if code.upper() == "SUCCESS" or not (code or detail):
        return None
    error = refusal_error(what, Said(200, code, detail, trace_token, is_item=True))
    if isinstance(error, ExistsError) and item.get("userId"):
        error.user_id = str(item["userId"]).lower()
    return error


def raise_item_errors(
    what: str, items: Iterable[Mapping[str, Any]], trace_token: str | None = None
) -> None:
    """Raise the first error among the items of an answer."""
    for item in items:
        if error := item_error(what, item, trace_token):
            raise error


def clean(text: str) -> str:
    """Return foreign text that is safe to show: no markup, nothing like a key or token, short.

    A GUID has 36 characters; access tokens, assertions and lines of PEM are longer words.
    """
    text = re.sub(r"<[^>]*>", " ", text)
    text = re.sub(r"[\w\-.+/=]{40,}", "[removed]", text)
    text = " ".join(re.sub(r"[^\x20-\x7e\u00a0-\uffff]", " ", text).split())
    return text if len(text) <= _DETAIL_LENGTH else text[: _DETAIL_LENGTH - 1] + "…"
