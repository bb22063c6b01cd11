"""Receivers on loopback for notifications: a mail server, and a web server that may lie."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.ports import free_port


@dataclass
class Mailbox:
    """A mail server and what it took."""

    messages: list[Any] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    answer: str = "250 OK"
    port: int = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            self.messages.append(envelope)
            self.secured.append(session.ssl is not None)
        return self.answer


@contextmanager
def mail_server(
    *, context: ssl.SSLContext | None = None, implicit: bool = False, password: str = ""
) -> Iterator[Mailbox]:
    """Run a mail server; with a *context* over TLS, and with a *password* only for user ``iga``."""
    mailbox = Mailbox()

    def authenticate(*given: Any) -> AuthResult:
        shown = given[-1]
        return AuthResult(success=(shown.login, shown.password) == (b"iga", password.encode()))

    options: dict[str, Any] = {"hostname": "127.0.0.1", "port": free_port(), "ready_timeout": 60}
    if password:
        options |= {"authenticator": authenticate, "auth_required": True}
        options |= {"auth_require_tls": not implicit}
    if context is not None and implicit:
        options["ssl_context"] = context
    elif context is not None:
        options |= {"tls_context": context, "require_starttls": True}
    controller = Controller(mailbox, **options)
    controller.start()
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop()


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"


Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class WebReceiver:
    """A web server, what it received, and how it answers."""

    port: int
    received: list[Received] = field(default_factory=list)
    answer: Answer | None = None
    status: int = 204

    def url(self, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}/hook?key=1"


@contextmanager
def web_receiver(context: ssl.SSLContext | None = None) -> Iterator[WebReceiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body, self.command))
            if receiver.answer is not None:
                receiver.answer(self)
                return
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_PATCH = do_POST  # noqa: N815 - as the server wants it

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # The end of the block waits for what handlers do last.

        def handle_error(self, *_: Any) -> None:
            """A client that gives up is what some tests want."""

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver = WebReceiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
