"""What DocuSign's rules refuse, before it is written in the way of either API."""

from __future__ import annotations


class RuleError(Exception):
    """A rule of DocuSign refuses the change.

    :param code: ``errorCode`` of the eSignature API; the Admin API writes it in lower case.
    :param status: HTTP status where the refusal is the whole answer.
    :param user_id: the user who is in the way, if DocuSign tells.
    """

    def __init__(
        self, code: str, message: str, *, status: int = 400, user_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.user_id = user_id


def invalid(message: str) -> RuleError:
    """Return the refusal of a value."""
    return RuleError("INVALID_REQUEST_PARAMETER", message)


def user_not_found(user_id: str) -> RuleError:
    """Return the refusal of an unknown user id."""
    return RuleError("USER_NOT_FOUND", f"The user {user_id} could not be found.", status=404)
