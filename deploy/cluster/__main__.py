"""Start all of Ticketing on this machine (`python -m deploy.cluster`), or try what happens if parts of it fail."""

import argparse
import signal
import threading

from deploy.cluster import faults
from deploy.cluster.site import HOST, Site


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, help="send this many requests while one part after another fails")
    arguments = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    say("Starting …")
    with Site() as site:
        if arguments.requests:
            faults.run(site, arguments.requests, say)
            return
        say(f"https://{HOST}:{site.https}/, at 127.0.0.1; certificate and logs in {site.folder}")
        say(f"PostgreSQL: {site.primary.url()}, replica: {site.replica.url()}")
        say("Press Ctrl-C to stop and to delete everything.")
        ended.wait()


if __name__ == "__main__":
    main()
