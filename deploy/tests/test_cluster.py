"""A site of several servers keeps what it has confirmed while its parts fail (`make cluster-test` takes longer)."""

from deploy.cluster import faults
from deploy.cluster.site import Site

REQUESTS = 1_500
# On a busy machine. Starting a server takes most of it.
MAX_SECONDS = 60


def test_nothing_is_lost_while_one_part_after_another_fails() -> None:
    with Site() as site:
        found = faults.run(site, REQUESTS, print)

    assert len(found) == 6
    assert all(fault.without_changes < MAX_SECONDS and fault.without_reads < MAX_SECONDS for fault in found)
