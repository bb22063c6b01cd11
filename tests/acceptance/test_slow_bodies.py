"""Clients that send their bodies slowly, over real sockets: everybody else is served."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.acceptance.processes import Serving, on_socket, write_config
from tests.ports import free_port
from tests.simulated import simulated

THREADS = 4
SLOW = (
    b"POST %s HTTP/1.1\r\nHost: connector\r\nContent-Length: 60\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type="
)
ENDPOINTS = ("/oauth/token", "/console/sign-in")


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    directory: Path = tmp_path_factory.mktemp("slow")
    port = free_port()
    world = simulated(10)
    with on_socket(world):
        config = write_config(
            directory,
            world,
            port,
            server={"port": port, "threads": THREADS},
            jobs={"enabled": False},
            authentication={"methods": ["token", "oauth"]},
        )
        server = Serving(config, port, directory / "serve.log")
        server.start()
        yield server
        server.stop()


@contextlib.contextmanager
def slow_clients(serving: Serving, path: str, number: int) -> Iterator[list[socket.socket]]:
    address = ("127.0.0.1", int(serving.url.rpartition(":")[2]))
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(number):
            client = stack.enter_context(socket.create_connection(address, timeout=10))
            client.sendall(SLOW % path.encode())
            sockets.append(client)
        time.sleep(0.5)
        yield sockets


def first_to_answer(clients: list[socket.socket], number: int) -> list[socket.socket]:
    deadline = time.monotonic() + 30
    while len(found := select.select(clients, [], [], 1)[0]) < number:
        assert time.monotonic() < deadline, f"{len(found)} of {number} were answered"
    return found


def answers_within(serving: Serving, path: str, seconds: float) -> int:
    return requests.get(serving.url + path, timeout=seconds).status_code


@pytest.mark.parametrize("path", ENDPOINTS)
def test_reads_go_on_while_many_bodies_do_not_end(serving, path):
    with slow_clients(serving, path, 3 * THREADS):
        for _ in range(20):
            assert answers_within(serving, "/scim/v2/ServiceProviderConfig", 10) in (200, 401)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_who_finds_no_place_is_told_to_come_back(serving, path):
    with slow_clients(serving, path, THREADS) as clients:
        refused = first_to_answer(clients, THREADS // 2)
        others = [client for client in clients if client not in refused]
        assert not select.select(others, [], [], 0.5)[0]
        for answer in (client.recv(4096) for client in refused):
            assert answer.startswith(b"HTTP/1.1 503")
            # Programs are told when; a person sees a page.
            assert b"retry-after: 5" in answer.lower() or b"text/html" in answer


def test_places_are_free_again_once_the_slow_ones_are_gone(serving):
    with slow_clients(serving, "/oauth/token", 3 * THREADS):
        pass
    form = {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "x"}
    answer = requests.post(serving.url + "/oauth/token", data=form, timeout=20)
    assert answer.status_code == 401


def test_a_body_that_comes_in_pieces_is_read(serving):
    body = b"grant_type=client_credentials&client_id=nobody&client_secret=x"
    head = SLOW.partition(b"\r\n\r\n")[0] % b"/oauth/token"
    head = head.replace(b"Content-Length: 60", b"Content-Length: %d" % len(body))
    address = ("127.0.0.1", int(serving.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(head + b"\r\n\r\n")
        for start in range(0, len(body), 20):
            time.sleep(0.1)
            client.sendall(body[start : start + 20])
        assert client.recv(4096).startswith(b"HTTP/1.1 401")
