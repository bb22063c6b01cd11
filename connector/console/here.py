"""Where a request is: which tenant, which person, and what they may do."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast
from urllib.parse import unquote, urlsplit

from flask import Response, abort, current_app, g, redirect, request, url_for
from flask_login import UserMixin, current_user

from connector.domain.authentication.console import ConsoleSession, SignInMethod
from connector.logs import correlation_id
from connector.mount import TENANT
from connector.services.context import Principal, person

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response as BaseResponse

    from connector.console.ports import Application, TenantServices

EXTENSION = "connector"
_PUBLIC = frozenset(
    {"static", "sign_in.form", "sign_in.enter", "sign_in.leave", "oidc.begin", "oidc.answer"}
)
"""What is open to people who are not signed in."""
_LONGEST_NEXT = 2_000

P = ParamSpec("P")
R = TypeVar("R")


class Person(UserMixin):  # type: ignore[misc]
    """Who is signed in, for Flask-Login: the token stands for the session."""

    def __init__(self, token: str, session: ConsoleSession) -> None:
        self.id = token
        self.session = session


def application() -> Application:
    """Return the connector."""
    return cast("Application", current_app.extensions[EXTENSION])


def tenant_name() -> str:
    """Return whose console this is."""
    return str(request.environ[TENANT])


def tenant() -> TenantServices:
    """Return what the tenant can do."""
    return application().tenant(tenant_name())


def is_operator() -> bool:
    """Whether the person administers the whole installation, for all customers."""
    operator = application().settings.console.operator_tenant
    return tenant_name() == operator and bool(operator) and session().may_administer


def session() -> ConsoleSession:
    """Return who is signed in."""
    found: ConsoleSession = current_user.session
    return found


def principal() -> Principal:
    """Return on whose behalf the request acts."""
    me = session()
    return person(
        me.login,
        source="console",
        correlation_id=correlation_id(),
        email=me.email,
        groups=me.groups,
        roles=me.roles,
        is_local=me.method is SignInMethod.LOCAL,
    )


def find_person(token: str) -> Person | None:
    """Return the person of a session's token, of this tenant only."""
    found = application().console_sign_in.find(tenant_name(), token)
    return None if found is None else Person(token, found)


def require_active() -> None:
    """Let requests through while the tenant is served; its files are the same for everybody.

    :raises connector.services.tenants.catalogue.TenantSuspendedError: it is not.
    """
    if request.endpoint != "static":
        application().catalogue.get(tenant_name()).require_active()


def require_person() -> BaseResponse | None:
    """Send whoever is not signed in to the page where they do; pages are closed unless named."""
    if request.endpoint is None or request.endpoint in _PUBLIC or current_user.is_authenticated:
        return None
    here = _path_here() if request.method == "GET" else "/"
    target = url_for("sign_in.form", next=here if here != "/" else None)
    if "HX-Request" in request.headers:
        # htmx follows a redirect out of sight; this makes the whole page go there.
        return Response(status=401, headers={"HX-Redirect": url_for("sign_in.form")})
    return redirect(target)


def _path_here() -> str:
    query = request.query_string.decode("ascii", "replace")
    return f"{request.path}?{query}" if query else request.path


def begin_acting() -> None:
    """Let the audit know who acts, so that each call to DocuSign is theirs."""
    if request.method == "POST" and current_user.is_authenticated:
        acting = application().acting(tenant_name(), session().actor)
        acting.__enter__()
        g.acting = acting


def end_acting(_: BaseException | None) -> None:
    """Write down what the audit was told meanwhile."""
    if acting := g.pop("acting", None):
        acting.__exit__(None, None, None)


def own_path(text: str | None) -> str:
    """Return *text* if it is a path of this console, below its mount, and the first page
    otherwise: nobody is sent elsewhere by a link that begins with our address."""
    try:
        parts = urlsplit(text or "")
    except ValueError:  # such as brackets that do not fit
        return f"{request.script_root}/"
    is_own = (
        text is not None
        and len(text) <= _LONGEST_NEXT
        and text.startswith("/")
        and not text.startswith("//")
        and not parts.scheme
        and not parts.netloc
        and text.isprintable()
        and "\\" not in text
        and ".." not in unquote(parts.path)
    )
    return request.script_root + (text if is_own and text else "/")


def may_try(may: Callable[[ConsoleSession], bool]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only those use a page whose role may, as a first gate in front of the service's own:
    ``@may_try(lambda person: person.may_work)``."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*arguments: P.args, **options: P.kwargs) -> R:
            if not may(session()):
                abort(403)
            return view(*arguments, **options)

        return guarded

    return decorate


def is_fragment() -> bool:
    """Whether only the next lines of a list are asked for."""
    return "HX-Lines" in request.headers
