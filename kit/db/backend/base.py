"""Django's PostgreSQL backend with a cheaper connection health check. Django requires this module name."""

import select

from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Return whether a connection from an earlier request is still open.

        Runs on every request, so it avoids a round trip: on an idle connection, the server sends something only when it
        closes the connection.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.connection.info.transaction_status == TransactionStatus.INERROR:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
