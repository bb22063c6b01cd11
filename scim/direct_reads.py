"""Answers plain reads before Flask: its routing and contexts cost as much as finding a resource.

The blueprint serves everything, these reads included; both lead to the same :class:`Front`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request

from scim.front import Front

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATH = re.compile(r"/(?:([a-z0-9_-]+)/)?scim/v2/([A-Za-z0-9./-]+)\Z", re.ASCII)
"""Paths that mean the same to everybody; Flask reads the others."""


class DirectReads:
    """WSGI middleware in front of a Flask application with the blueprints of a front.

    :param default_tenant: whom the base address without a tenant belongs to.
    """

    def __init__(
        self, application: WSGIApplication, front: Front, default_tenant: str = "default"
    ) -> None:
        self.application = application
        """Answers everything else. What holds only for writes, such as a cap on the threads that
        they take, stands around this one alone."""
        self._front = front
        self._default_tenant = default_tenant

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request, or hand it on."""
        found = _PATH.match(environ["PATH_INFO"]) if environ["REQUEST_METHOD"] == "GET" else None
        if found is None:
            return self.application(environ, start_response)
        tenant, rest = found.groups()
        response = self._front.answer(Request(environ), tenant or self._default_tenant, rest)
        return response(environ, start_response)
