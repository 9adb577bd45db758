"""Django's PostgreSQL backend, which is as sure of its connections for less (a backend's module has this name)."""

import select

from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Whether a connection still stands that an earlier request has left.

        Asked before the first statement of every request, so not by a round trip: between requests a server has nothing
        to say but that it ends the connection.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.connection.info.transaction_status == TransactionStatus.INERROR:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
