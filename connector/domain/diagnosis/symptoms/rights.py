"""What the connector may do with its access token."""

from __future__ import annotations

from connector.domain.diagnosis.checks import Check, Place, Problem, Result

_AFTER_USERINFO = ("userinfo",)

RIGHTS: tuple[Check, ...] = (
    Check(
        "scopes",
        "Scopes",
        "whether the token has every scope that was asked for",
        (
            Problem(
                "scopes_fewer",
                "Calls of the Admin API are refused although the rights are there.",
                "DocuSign gave a token with fewer scopes than were asked for.",
                "Open the consent link (`docusign-iga consent url`) and accept once more.",
                Place.CONSENT,
                Result.WARNING,
            ),
        ),
        ("token",),
    ),
    Check(
        "userinfo",
        "Accounts of the service user",
        "what userinfo says: who the service user is, and in which accounts",
        (
            Problem(
                "no_accounts",
                "The service user is not an active member of any account.",
                "The service user exists and belongs to no account.",
                "Add the user to every governed account, with an administrator profile, and "
                "activate the memberships.",
                Place.ADMIN,
            ),
            Problem(
                "token_rejected",
                "DocuSign refuses the access token, even a fresh one.",
                "The token is not accepted: the user was locked or closed a moment ago, or the "
                "APIs that are called belong to another environment than the one that gave it.",
                "Check the service user, then `docusign.environment`.",
                Place.ADMIN,
            ),
        ),
        ("token",),
    ),
    Check(
        "membership",
        "Membership",
        "whether the service user is an active member of each governed account",
        (
            Problem(
                "account_not_member",
                "The service user is not an active member of the account.",
                "The service user has no active membership there, or the account id belongs to "
                "the other environment or to nobody.",
                "Add the service user to the account, or correct `account_id`.",
                Place.ADMIN,
            ),
            Problem(
                "account_host_foreign",
                "The base address of the account is no DocuSign host over https.",
                "What answers for DocuSign sends the connector elsewhere; no token is sent there.",
                "Check `docusign.oauth_url` and what stands between connector and DocuSign.",
            ),
        ),
        _AFTER_USERINFO,
    ),
    Check(
        "administrator",
        "Administrator rights",
        "whether the service user administers each governed account",
        (
            Problem(
                "not_administrator",
                "Changes are refused with `USER_LACKS_PERMISSIONS` or `USER_NOT_ACCOUNT_ADMIN`.",
                "The service user is a member without the rights of an administrator: it was "
                "demoted, or never had them.",
                "Give it the administrator profile in that account.",
                Place.ADMIN,
            ),
            Problem(
                "delegated_administrator",
                "Some users can be changed, and administrators cannot.",
                "The service user may manage users without being a full administrator.",
                "Give it the administrator profile, or leave the administrators to people.",
                Place.ADMIN,
                Result.WARNING,
            ),
        ),
        _AFTER_USERINFO,
    ),
    Check(
        "organization",
        "Organization",
        "whether the service user administers the organization, and which accounts belong to it",
        (
            Problem(
                "no_organization",
                "Organization administrators cannot be verified, addresses cannot be changed.",
                "No governed account belongs to an organization.",
                "Link the accounts to an organization, or set `use_organization: false` to say "
                "that this is meant.",
                Place.ADMIN,
                Result.WARNING,
            ),
            Problem(
                "organization_absent",
                "Calls of the Admin API are refused.",
                "The service user administers no organization of the configured id.",
                "Correct `organization_id`, or make the service user an organization administrator "
                "there.",
                Place.ADMIN,
            ),
            Problem(
                "not_organization_administrator",
                "Organization administrators cannot be verified, addresses cannot be changed.",
                "The service user is no organization administrator.",
                "Make it one; people can, no API. Or set `use_organization: false`.",
                Place.ADMIN,
            ),
            Problem(
                "account_not_linked",
                "The account works, without what the organization adds.",
                "A governed account does not belong to the organization.",
                "Link it to the organization.",
                Place.ADMIN,
                Result.WARNING,
            ),
        ),
        _AFTER_USERINFO,
    ),
    Check(
        "domains",
        "Claimed domains",
        "which e-mail domains the organization has claimed",
        (
            Problem(
                "domain_waiting",
                "Memberships in the domain wait for an e-mail to be answered.",
                "A domain was claimed and is not verified yet.",
                "Publish the record that DocuSign Admin shows, and verify the domain.",
                Place.ADMIN,
                Result.WARNING,
            ),
        ),
        ("organization",),
    ),
    Check(
        "plan",
        "Features of the plan",
        "what each account's plan includes, where DocuSign tells",
        (
            Problem(
                "account_suspended",
                "Calls for the account are refused.",
                "DocuSign has suspended the account.",
                "Talk to DocuSign: often an invoice is open.",
                Place.ADMIN,
            ),
        ),
        ("membership", "administrator"),
    ),
    Check(
        "baseline",
        "Baseline profiles",
        "whether the profile of a plain member (`baseline_profile`) is there in each account",
        (
            Problem(
                "baseline_absent",
                "Changes of users are answered 502: the baseline profile does not exist.",
                "No permission profile of the account has the name or the id that is configured.",
                "Set `accounts[].baseline_profile`, or `provisioning.baseline_profile` for all, to "
                "a profile of the account; mind the spelling.",
            ),
        ),
        ("membership", "administrator"),
    ),
    Check(
        "policy",
        "Rules of the policy",
        "whether each rule of `entitlements`, `drift.policy`, `leavers` covers what there is",
        (
            Problem(
                "rule_covers_nothing",
                "Access is given without the approval that a rule asks for; or what a rule of "
                "`drift.policy` or `leavers` asks for is not done.",
                "What the rule names (`match`, `kind`, `profile`, `account`) is in none of the "
                "accounts: it is misspelt, or was renamed or deleted in DocuSign.",
                "Correct the rule, or take it out; `docusign-iga policy explain` shows which rule "
                "counts.",
                result=Result.WARNING,
            ),
        ),
        ("membership", "administrator"),
    ),
    Check(
        "approvers",
        "Approvers",
        "whether whom rules and roles of the tenant ask can be somebody: a group of the identity "
        "provider, a person with an account",
        (
            Problem(
                "approver_absent",
                "Approvals may wait until they expire: somebody who is named cannot decide, or "
                "fewer can than have to agree.",
                "A rule names a group and no identity provider lets people in, or a person who has "
                "no account of the console that could decide; or it asks for more people than "
                "there are who can.",
                "Do what the finding says; `docusign-iga config check` tells the same of the whole "
                "file, with the path of each.",
                result=Result.WARNING,
            ),
            Problem(
                "approvals_undecidable",
                "An approval waits, and fewer people can agree to it than have to.",
                "Its manager is unknown or asked for it, an account was disabled or lost its "
                "address, or whoever could decide gains by it.",
                "`docusign-iga approvals list` marks them and `approvals show` says why: name more "
                "approvers in the rule, ask for fewer, or give somebody an account.",
                result=Result.WARNING,
            ),
        ),
    ),
    Check(
        "leavers",
        "Leavers",
        "whether somebody who is disabled or deleted over SCIM is an organization administrator "
        "still, as DocuSign was last read; they are named by address and id",
        (
            Problem(
                "leaver_administers",
                "Somebody who left the company may still administer the whole organization.",
                "Disabling and deleting close accounts; no API of DocuSign takes the "
                "organization-administrator role, and nobody asked people to.",
                "Ask for its removal: take `organization-admin` from the person's `roles` (or "
                "remove them from the Group of that name), which opens a manual task. Take the "
                "role from leavers in your identity product before it disables them.",
                Place.ADMIN,
                Result.WARNING,
            ),
        ),
    ),
    Check(
        "docusign_scim",
        "DocuSign's own SCIM",
        "whether another SCIM client already manages users (of the first hundred in each account)",
        (
            Problem(
                "docusign_scim_active",
                "Changes of some users are refused: DocuSign's own SCIM manages them.",
                "DocuSign's own provisioning is switched on beside the connector.",
                "Let one of the two manage users. Switch DocuSign's provisioning off, or leave "
                "those users to it.",
                Place.ADMIN,
                Result.WARNING,
            ),
        ),
        ("membership", "administrator"),
    ),
    Check(
        "limits",
        "Calls left",
        "how many API calls are left in this hour (X-RateLimit headers)",
        (
            Problem(
                "limit_near",
                "None yet.",
                "Less than a fifth of the hour's calls is left; all integrations of the account "
                "share them.",
                "Find out which integration calls so often, or ask DocuSign for a higher limit.",
                result=Result.WARNING,
            ),
            Problem(
                "limit_reached",
                "Changes are answered 503 with Retry-After; the log names "
                "`HOURLY_APIINVOCATION_LIMIT_EXCEEDED` or `BURST_APIINVOCATION_LIMIT_EXCEEDED`.",
                "The calls of this hour, or of these 30 seconds, are used up.",
                "Wait until the next full hour. If it comes back, ask DocuSign for a higher limit.",
            ),
        ),
        ("membership",),
    ),
    Check(
        "waiting",
        "Changes that wait",
        "whether accepted changes have waited for longer than `provisioning.tell_waiting_after_s`, "
        "or wait because the database was restored",
        (
            Problem(
                "changes_wait",
                "A change was accepted and does not appear in DocuSign; its request stays "
                "`pending`; the notice `changes.delayed` came.",
                "DocuSign has answered every attempt with a temporary error, or no jobs process "
                "runs. Nothing is lost: the changes wait in their order.",
                "Mend what is found above. If all is well, look at the job `settle` "
                "(`docusign-iga jobs list` and `jobs history`) and at the log (`plan waits`) for "
                "what DocuSign says. They are carried out by themselves once it takes them.",
                result=Result.WARNING,
            ),
            Problem(
                "restored_waits",
                "The policy reverts nothing, and what was queued or begun before the backup is not "
                "carried out; some writes are answered 503.",
                "The database was restored from a backup, and nobody has said since that it may go "
                "on: what was asked for after the backup looks like drift to it.",
                "Look at the open findings (`docusign-iga drift list`), accept what is right "
                "(`docusign-iga drift accept ID --as LOGIN --reason TEXT`; LOGIN is a local "
                "account of the console with the role operator), then say `docusign-iga db "
                "restored --go-on`.",
                result=Result.WARNING,
            ),
        ),
    ),
)
