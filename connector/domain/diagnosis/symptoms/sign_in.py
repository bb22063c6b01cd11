"""What stands between the connector and an access token."""

from __future__ import annotations

from connector.domain.diagnosis.checks import Check, Place, Problem, Result

_AFTER_TOKEN = ("consent",)

SIGN_IN: tuple[Check, ...] = (
    Check(
        "configuration",
        "Configuration",
        "the configuration file",
        (
            Problem(
                "configuration_invalid",
                "No command works; `serve` ends at once with a list of settings.",
                "A setting is missing, misspelled, or has a value that it cannot have.",
                "Correct what is named and run `docusign-iga config check`.",
            ),
            Problem(
                "configuration_outdated",
                "The console or SCIM goes by other rules than the command line.",
                "The configuration file was changed after a process had read it; it is read at "
                "start alone.",
                "Restart `serve`, and each `worker`.",
                result=Result.WARNING,
            ),
        ),
    ),
    Check(
        "key",
        "Private key",
        "whether the private key is a whole RSA key in PEM form, without a passphrase",
        (
            Problem(
                "key_missing",
                "`docusign.private_key` is named at start: cannot read, or must be given.",
                "No private key is configured, or its file is not there, or the connector may not "
                "read it.",
                "Correct `docusign.private_key_file` (a relative path begins at the configuration "
                "file), and let the connector's user read it. Where there is no key yet, "
                "`docusign-iga key generate` makes a pair.",
                Place.APPS_AND_KEYS,
            ),
            Problem(
                "key_unusable",
                "`docusign.private_key` is named at start, or: The private key cannot be used.",
                "The key is cut off, damaged, encrypted, of another kind, the public half, or has "
                "Windows line endings (CRLF).",
                "Save the private key again, exactly as DocuSign showed it, with its first and "
                "last line. DocuSign shows it only once: where it is lost, make a new pair.",
                Place.APPS_AND_KEYS,
            ),
            Problem(
                "key_old",
                "None.",
                "The private key has been in use for longer than `docusign.key_max_age_days`.",
                "Replace it without a gap: `docusign-iga key rotate` says how.",
                Place.APPS_AND_KEYS,
                Result.WARNING,
            ),
        ),
    ),
    Check(
        "connection",
        "Connection",
        "whether DocuSign's authentication host answers over TLS",
        (
            Problem(
                "unreachable",
                "Changes are answered 503; the log says that DocuSign cannot be reached.",
                "There is no way to DocuSign: name resolution, network, proxy or firewall.",
                "Allow outgoing connections on port 443 to account.docusign.com, api.docusign.net "
                "and *.docusign.net (demo: account-d.docusign.com, api-d.docusign.net). Behind a "
                "proxy set HTTPS_PROXY.",
                custom_remedy="Check `docusign.oauth_url` and `docusign.admin_url`: whether host "
                "and port are right, what they name runs, and can be reached from here.",
            ),
            Problem(
                "certificate_rejected",
                "The server's certificate comes from an unknown authority.",
                "A proxy inspects TLS, and its authority is not trusted here.",
                "Give the authority's certificate (PEM) in `docusign.ca_bundle`.",
            ),
            Problem(
                "foreign_answer",
                "The answer does not come from DocuSign's API.",
                "A proxy, a sign-in page of the network or a wrong address answers in DocuSign's "
                "place.",
                "Let the connector pass the proxy, and check `docusign.oauth_url` and "
                "`docusign.admin_url` where the environment is custom.",
            ),
        ),
    ),
    Check(
        "clock",
        "Clock",
        "this machine's clock against the Date of DocuSign's answers",
        (
            Problem(
                "clock_drifts",
                "None yet.",
                "This machine's clock is off by more than half a minute.",
                "Synchronise it (NTP) before DocuSign refuses signed requests.",
                result=Result.WARNING,
            ),
            Problem(
                "clock_wrong",
                "Tokens are refused with `expired_grant` or `no_valid_keys_or_signatures`.",
                "This machine's clock is wrong: signed requests seem expired, or from the future.",
                "Synchronise it (NTP), then restart nothing: the next request is signed anew.",
            ),
        ),
        ("connection",),
    ),
    Check(
        "environment",
        "Environment",
        "whether key and service user belong to the configured environment, demo or production",
        (
            Problem(
                "wrong_environment",
                "Tokens are refused with `issuer_not_found`, `no_valid_keys_or_signatures` or "
                "`user_not_found` although key and user exist in DocuSign.",
                "`docusign.environment` names one environment, and the integration key, its key "
                "pair or the service user belong to the other. Users, consent and RSA keys do not "
                "carry over from demo to production.",
                "Set `docusign.environment` to the environment that is meant, or take integration "
                "key, private key and user id from there.",
                Place.APPS_AND_KEYS,
            ),
        ),
        ("key", "connection", "clock"),
    ),
    Check(
        "integration_key",
        "Integration key",
        "whether DocuSign knows the integration key in this environment",
        (
            Problem(
                "integration_key_unknown",
                "Tokens are refused with `issuer_not_found`.",
                "No app of this environment has the integration key: it is mistyped, deleted, or "
                "has not passed Go-Live.",
                "Copy the integration key again into `docusign.integration_key`.",
                Place.APPS_AND_KEYS,
            ),
        ),
        ("environment",),
    ),
    Check(
        "signature",
        "Key pair",
        "whether the private key belongs to the integration key",
        (
            Problem(
                "key_rejected",
                "Tokens are refused with `no_valid_keys_or_signatures`.",
                "The private key is not one of those that the integration key has: it belongs to "
                "another app, or its public half was removed.",
                "Register the public half (`docusign-iga key show` prints it) with the integration "
                "key, or configure the private key that belongs to it.",
                Place.APPS_AND_KEYS,
            ),
            Problem(
                "new_key_not_registered",
                "None yet: `docusign.previous_private_key` still works.",
                "DocuSign does not accept `docusign.private_key`, and accepts the key before.",
                "Register the public half of the new key (`docusign-iga key show` prints it) with "
                "the integration key before the old one is removed there.",
                Place.APPS_AND_KEYS,
                Result.WARNING,
            ),
            Problem(
                "old_key_configured",
                "None.",
                "The new private key works, and the one before is still configured.",
                "Remove `docusign.previous_private_key` here, and its pair at DocuSign.",
                Place.APPS_AND_KEYS,
                Result.WARNING,
            ),
        ),
        ("integration_key",),
    ),
    Check(
        "service_user",
        "Service user",
        "whether the user whom the connector impersonates exists and is active",
        (
            Problem(
                "service_user_unknown",
                "Tokens are refused with `user_not_found` or `invalid_subject`; everything that "
                "needs DocuSign fails at once.",
                "No active user has the id in `tenants.*.user_id`: it is no user's id, or the user "
                "was closed or never activated.",
                "Compare with the API User ID of the service user, and activate or re-open that "
                "user.",
                Place.ADMIN,
            ),
            Problem(
                "service_user_confused",
                "Tokens are refused with `user_not_found`.",
                "`tenants.*.user_id` has the id of something else.",
                "Enter the API User ID of the service user.",
                Place.ADMIN,
            ),
        ),
        ("signature",),
    ),
    Check(
        "grant",
        "Connection by sign-in",
        "where impersonation is refused (`grant: authorization_code`): whether somebody has "
        "connected, and for how long",
        (
            Problem(
                "grant_missing",
                "Everything that needs DocuSign fails: nobody has connected this customer.",
                "The tenant is connected by authorization code, and the service user has not "
                "signed in yet, or somebody else is configured as service user now.",
                "Let the service user open the link and sign in (`docusign-iga consent connect`, "
                "or the button on the console's page Connection).",
                Place.CONNECT,
            ),
            Problem(
                "grant_expired",
                "Everything that needs DocuSign fails: the connection is renewed no longer.",
                "The refresh token expired, was revoked at DocuSign, or was used up by a copy of "
                "the database.",
                "Let the service user sign in again. Two installations must not share a grant.",
                Place.CONNECT,
            ),
            Problem(
                "grant_expires",
                "None yet.",
                "The connection ends within two weeks: without the scope `extended`, or without "
                "use, DocuSign lets it end after 30 days.",
                "Let the service user sign in again before that day.",
                Place.CONNECT,
                Result.WARNING,
            ),
            Problem(
                "grant_other_account",
                "Users of another account than expected are governed.",
                "Who connected chose an account that is not governed here.",
                "Enter the chosen account under `tenants.*.accounts`, or choose another on the "
                "console's page Connection.",
                result=Result.WARNING,
            ),
        ),
        ("service_user",),
    ),
    Check(
        "consent",
        "Consent",
        "whether the service user, or an administrator, has agreed to the scopes",
        (
            Problem(
                "consent_missing",
                "Tokens are refused with `consent_required`.",
                "Nobody has agreed that the connector acts for the service user, or the consent "
                "was revoked. Consent in one environment does not count in the other.",
                "Let the service user open the link and accept, or let an organization "
                "administrator consent for everybody (`docusign-iga consent url`). If DocuSign "
                "shows an error page instead of going back, compare the redirect URI of the link "
                "with those registered for the app, letter by letter.",
                Place.CONSENT,
            ),
            Problem(
                "consent_partial",
                "Some things work; others are refused with `consent_required`.",
                "Consent was given before the connector asked for all of today's scopes.",
                "Open the link and accept once more: it asks for all of them.",
                Place.CONSENT,
            ),
        ),
        ("grant",),
    ),
    Check(
        "token",
        "Access token",
        "whether DocuSign gives an access token now",
        (
            Problem(
                "token_refused",
                "Everything that needs DocuSign fails.",
                "DocuSign gives no token, for a reason that the connector does not know.",
                "Ask DocuSign's support, with the words and the trace token below.",
            ),
        ),
        _AFTER_TOKEN,
    ),
)
