"""Long responses, sent by a real server to clients that do not read them."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from kit.tests.rsgi import CHUNK, LARGE
from ticketing.tests.server import Client, head, served

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("django_db_setup")]


@pytest.fixture(scope="module")
def port(django_db_setup: None) -> Iterator[int]:
    with served("kit.tests.rsgi:application") as port:
        yield port


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    with Client(port) as client:
        yield client


class TestStreams:
    def test_arrive_whole(self, client: Client) -> None:
        for _ in range(2):
            answer = client.request("GET /lines")

            assert answer.body.split() == [str(number).encode() for number in range(1000)]

    def test_are_closed_once_and_before_the_client_can_have_read_them(self, client: Client) -> None:
        for number in range(1, 4):
            assert client.request("GET /closing").status == 200

            assert client.request("GET /closed").body == str(number).encode()

    def test_larger_than_memory_allows_arrive_whole(self, client: Client) -> None:
        for _ in range(2):
            assert client.request("GET /large").body == LARGE

        assert len(client.request("GET /long").body) == 800 * len(CHUNK)

    @pytest.mark.parametrize("path", ["/large", "/long"])
    def test_that_nobody_reads_stay_out_of_memory_even_if_pipelined(self, port: int, path: str) -> None:
        before = state(port).kilobytes
        with ExitStack() as stack:
            for _ in range(100 if path == "/large" else 20):
                stack.enter_context(Client(port)).send(3 * head(f"GET {path}"))
            peak = max((time.sleep(0.5), state(port).kilobytes)[1] for _ in range(12))

        assert peak - before < 100 * 1024

    def test_are_produced_for_others_while_clients_stall(self, port: int) -> None:
        with ExitStack() as stack:
            for _ in range(6):
                stack.enter_context(Client(port)).send(head("GET /long"))
            with Client(port) as client:
                assert client.request("GET /lines").status == 200

    def test_end_when_the_client_leaves_and_hold_up_no_ordinary_request(self, port: int) -> None:
        with ExitStack() as stack:
            for _ in range(6):
                stack.enter_context(Client(port)).send(head("GET /endless"))
            time.sleep(0.5)

            assert streams(port) > 1

        deadline = time.monotonic() + 60
        while streams(port):
            assert time.monotonic() < deadline
            time.sleep(0.1)

    @pytest.mark.parametrize("path", ["/fail", "/exit", "/stop"])
    def test_errors_of_any_kind_are_500_and_cost_no_thread(self, client: Client, path: str) -> None:
        for _ in range(3):
            assert client.request(f"GET {path}").status == 500

        assert client.request("GET /").status == 200

    def test_that_fail_break_off_and_cost_no_thread(self, port: int) -> None:
        for _ in range(6):
            # There is no last chunk, so nobody takes what arrived for the whole.
            with Client(port) as client, pytest.raises((ConnectionError, ValueError)):
                client.request("GET /brittle")

        with Client(port) as client:
            assert client.request("GET /lines").status == 200

    def test_that_stall_are_disconnected_and_leave_no_file_open(self) -> None:
        with served("kit.tests.rsgi:impatient") as port:
            before = state(port).files
            with ExitStack() as stack:
                stalled = [stack.enter_context(Client(port)) for _ in range(3)]
                for client in stalled:
                    client.send(head("GET /long"))
                time.sleep(1)
                deadline = time.monotonic() + 60
                while (files := state(port).files) > before:
                    assert time.monotonic() < deadline, f"{files} files are open, {before} were"
                    time.sleep(0.2)

                assert all(len(read_to_end(client)) < 800 * len(CHUNK) for client in stalled)


class State(NamedTuple):
    """What the server reports of itself: open endless responses, memory and open files."""

    open: int
    kilobytes: int
    files: int


def state(port: int) -> State:
    with Client(port) as client:
        return State(*map(int, client.request("GET /").body.split()))


def streams(port: int) -> int:
    return state(port).open


def read_to_end(client: Client) -> bytes:
    try:
        return client.file.read()
    except ConnectionResetError:
        return b""
