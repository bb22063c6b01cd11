"""Requests whose turn has come, asked for again as they came."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from connector.domain.ledger.plans import PlanRecord
from connector.errors import PermanentError, TemporaryError
from connector.ports import GROUP, USER
from connector.scim_handlers.groups import GroupHandler
from connector.scim_handlers.ports import Application
from connector.scim_handlers.schemas import GROUPS, USERS
from connector.scim_handlers.users import UserHandler
from connector.services.queued_requests import QUEUED_REQUEST
from scim import writes
from scim.errors import NotFound, ScimError, Unavailable
from scim.handlers import Caller, RequestContext


class Repeater:
    """Asks for the queued requests of one tenant; see
    :data:`connector.services.provisioning.turns.Repeat`."""

    def __init__(self, application: Application, tenant: str) -> None:
        self._tenant = tenant
        self._targets: Mapping[str, writes.Registered] = {
            USER: (USERS, UserHandler(application)),
            GROUP: (GROUPS, GroupHandler(application)),
        }

    def __call__(self, plan: PlanRecord) -> None:
        """Ask for what a plan keeps of its request.

        :raises TemporaryError: it still has to wait.
        :raises PermanentError: it cannot be, see the message.
        """
        request = plan.context[QUEUED_REQUEST]
        context = RequestContext(
            _caller(self._tenant, request["client"]),
            "",
            plan.correlation_id,
            turn=plan.plan_id,
        )
        try:
            writes.carry_out(
                self._targets[request["kind"]],
                context,
                request["method"],
                request["id"],
                request["data"],
                max_operations=sys.maxsize,
            )
        except Unavailable as error:
            raise TemporaryError(str(error.detail)) from error
        except ScimError as error:
            if isinstance(error, NotFound) and request["method"] == "DELETE":
                return  # It is gone: a client repeats a deletion whose end it does not see.
            raise PermanentError(str(error.detail)) from error


def _caller(tenant: str, client: Mapping[str, Any]) -> Caller:
    writable = client["writable"]
    return Caller(
        tenant,
        client["client_id"],
        frozenset({"read", "write"}),
        client["external_id_scope"],
        # The version in the body was compared when the request came; the connector's own work has
        # made newer ones since.
        {**client["settings"], "check_body_version": False},
        None if writable is None else frozenset(writable),
    )
