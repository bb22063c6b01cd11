"""The settings of permission profiles that DocuSign knows (accountRoleSettings, without their
metadata). Others are passed over in silence, as DocuSign does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.state.errors import invalid

# fmt: off
KNOWN = frozenset({
    "allowAccountManagement", "allowApiAccess", "allowApiAccessToAccount",
    "allowApiSendingOnBehalfOfOthers", "allowApiSequentialSigning", "allowAutoTagging",
    "allowBulkSending", "allowDocuSignDesktopClient", "allowESealRecipients",
    "allowEnvelopeSending", "allowPowerFormsAdminToAccessAllPowerFormEnvelopes",
    "allowSendersToSetRecipientEmailLanguage", "allowSignerAttachments",
    "allowSupplementalDocuments", "allowTaggingInSendAndCorrect", "allowTransactions",
    "allowVaulting", "allowWetSigningOverride", "allowedAddressBookAccess",
    "allowedClickwrapsAccess", "allowedOrchestrationAccess", "allowedTemplateAccess",
    "allowedToBeEnvelopeTransferRecipient", "canCreateTransaction", "canCreateWorkspaces",
    "canDeleteDocumentsInTransaction", "canDeleteTransaction", "canSendEnvelopesViaSMS",
    "disableDocumentUpload", "disableOtherActions", "enableApiRequestLogging",
    "enableKeyTermsSuggestionsByDocumentType", "enableRecipientViewingNotifications",
    "enableSequentialSigningInterface", "enableTransactionPointIntegration", "powerFormRole",
    "receiveCompletedSelfSignedDocumentsAsEmailLinks", "supplementalDocumentsMustAccept",
    "supplementalDocumentsMustRead", "supplementalDocumentsMustView",
    "useNewDocuSignExperienceInterface", "useNewSendingInterface", "vaultingMode", "webForms",
})
# fmt: on
CHOICES: Mapping[str, tuple[str, ...]] = {
    "powerFormRole": ("none", "user", "admin"),
    "vaultingMode": ("none", "estored", "electronic"),
}
"""Settings that are words."""


def taken(given: Mapping[str, Any]) -> dict[str, str]:
    """Return what is taken of settings that were sent: all values are text.

    :raises RuleError: a value is none that the setting has.
    """
    found = {name: _text(value) for name, value in given.items() if name in KNOWN}
    for name, value in found.items():
        allowed = CHOICES.get(name)
        if allowed and value not in allowed:
            raise invalid(f"{name} must be one of {', '.join(allowed)}.")
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
