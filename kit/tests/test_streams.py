"""Long responses, sent by a real server to clients that do not read them."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

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

    def test_are_produced_only_as_fast_as_the_client_reads(self, port: int) -> None:
        with Client(port) as reader:
            reader.send(head("GET /endless"))
            time.sleep(1)

            first, second = produced(port), (time.sleep(0.5), produced(port))[1]

        assert 0 < first == second < 20 * 1024 * 1024

    def test_end_when_the_client_leaves_and_hold_up_no_ordinary_request(self, port: int) -> None:
        with ExitStack() as stack:
            for _ in range(6):
                stack.enter_context(Client(port)).send(head("GET /endless"))
            time.sleep(0.5)

            assert streams(port) > 1

        deadline = time.monotonic() + 10
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


def streams(port: int) -> int:
    with Client(port) as client:
        return int(client.request("GET /").body.split()[0])


def produced(port: int) -> int:
    with Client(port) as client:
        return int(client.request("GET /").body.split()[1])
