"""Django's PostgreSQL backend with prepared statements and a cheaper health check. Django requires this module name."""

import select
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db.backends.postgresql import base, operations
from psycopg.pq import TransactionStatus

from kit.db.backend.prepared import PreparedCursor


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: Any, params: Any) -> str:
        # psycopg does not keep the text of a prepared statement.
        return str(sql) if isinstance(cursor, PreparedCursor) else super().last_executed_query(cursor, sql, params)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
    _prepared: PreparedCursor | None = None
    # Wraps prepared statements, as Django's `execute_wrappers` wrap all others. Those are not called for them, because
    # some, such as pghistory's, add a second statement, and PostgreSQL prepares only single ones.
    wrap_prepared: Callable[..., Any] | None = None

    def run_prepared(self, query: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        """Run a statement with a `PreparedCursor` of this connection, and return its rows."""
        if not self.health_check_done:  # type: ignore[attr-defined]
            self.close_if_health_check_failed()
        if self.connection is None:
            self.ensure_connection()
        if self._prepared is None or self._prepared.connection is not self.connection:
            self._prepared = PreparedCursor(self.connection)
        self.validate_no_broken_transaction()
        with self._log(query, params), self.wrap_database_errors:
            if self.wrap_prepared:
                context = {"connection": self, "cursor": self._prepared}
                self.wrap_prepared(self._execute_prepared, query, params, False, context)
            else:
                self._prepared.execute(query, params)
        return self._prepared.rows

    def _execute_prepared(self, query: str, params: dict[str, Any], many: bool, context: dict[str, Any]) -> None:
        context["cursor"].execute(query, params)

    def _log(self, query: str, params: dict[str, Any]) -> AbstractContextManager[None]:
        """Log a statement for DEBUG, and for tests that count them."""
        if not self.queries_logged:
            return nullcontext()
        return self.make_debug_cursor(self._prepared).debug_sql(query, params)  # type: ignore[arg-type]

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
