"""A threaded HTTP/1.1 server for the simulator.

Werkzeug's development server ends the connection after each answer, as clients of DocuSign never
see it, and cannot drop one in the middle. This one keeps connections alive and, when a fault says
so, really closes the socket.
"""

from __future__ import annotations

import io
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask

from simulator.faults import ConnectionDropped

SHOWN_READ_TIMEOUT_S = 120.0
"""How long a lost answer keeps the client waiting, longer than any client waits."""


class SimulatorServer(ThreadingHTTPServer):
    """Serves a simulator on a socket. Use it as a context manager, or start and stop it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        app: Flask,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.app = app
        self.closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._tls = tls
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """Where it answers."""
        host, port = self.socket.getsockname()[:2]
        return f"{'https' if self._tls else 'http'}://{host}:{port}"

    def start(self) -> None:
        """Serve in the background."""
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and close every connection."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        with self._connections_lock:
            for connection in self._connections:
                _shut(connection)
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> SimulatorServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, which stop() may close."""
        if self._tls is not None:
            try:
                request = self._tls.wrap_socket(request, server_side=True)
            except OSError:
                self.shutdown_request(request)  # No TLS client, or one that does not trust us.
                return
        with self._connections_lock:
            self._connections.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._connections_lock:
                self._connections.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that clients close; our own bugs are shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # The client was faster.


class _Handler(BaseHTTPRequestHandler):
    """One connection: request after request through the WSGI application."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: SimulatorServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- overrides
        """Stay quiet: the control page shows what happened."""

    def _serve(self) -> None:
        # The body is read at once, so that the next request starts at the right place.
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            head[:] = [status, headers]
            return None

        try:
            chunks = self.server.app.wsgi_app(self._environ(body), start_response)
            content = _joined(chunks)
        except ConnectionDropped as drop:
            self._drop(drop)
            return
        self._send(head[0], head[1], content)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _serve  # noqa: N815

    def _drop(self, drop: ConnectionDropped) -> None:
        """End the connection, or leave the client waiting until it gives up."""
        self.close_connection = True
        if drop.timed_out:
            deadline = time.monotonic() + SHOWN_READ_TIMEOUT_S
            self.connection.settimeout(0.2)
            while time.monotonic() < deadline and not self.server.closing.is_set():
                if self._client_left():
                    break

    def _client_left(self) -> bool:
        try:
            return not self.connection.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True

    def _send(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        """Write head and body in one piece: two would wait for each other's acknowledgement."""
        code, _, reason = status.partition(" ")
        # The application gives the Date: the time may be a simulated one.
        self.send_response_only(int(code), reason)
        for name, value in headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self._headers_buffer.append(b"\r\n")  # type: ignore[attr-defined]
        if self.command != "HEAD":
            self._headers_buffer.append(content)  # type: ignore[attr-defined]
        self.flush_headers()

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        host, port = self.server.server_address[:2]
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self.server.url.partition(":")[0],
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                environ[f"HTTP_{key}"] = value
        return environ


def _joined(chunks: Iterable[bytes]) -> bytes:
    """Return the whole body and end the response."""
    try:
        return b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
