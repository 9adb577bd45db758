"""Statements that PostgreSQL plans once per connection, run by libpq without psycopg's cursor."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from orjson import loads
from psycopg import pq
from psycopg.adapt import Loader, PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.rows import dict_row
from psycopg.types.datetime import DatetimeDumper
from psycopg.types.numeric import Int8Dumper

PARAMETER = re.compile(r"%\((\w+)\)s")
SUCCESS = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class _UntypedInt(Int8Dumper):
    oid = 0


class _UntypedDatetime(DatetimeDumper):
    oid = 0

    def upgrade(self, obj: datetime, format: Any) -> "_UntypedDatetime":  # noqa: A002
        return self


class _UtcLoader(Loader):
    """Loads a `timestamptz` of a session in UTC, such as Django's, in a tenth of the time that psycopg takes."""

    def load(self, data: Any) -> datetime:
        return datetime.fromisoformat(bytes(data).decode())


class _JsonLoader(Loader):
    """Loads JSON without a call in Python."""

    load = staticmethod(loads)  # type: ignore[assignment]


@dataclass(frozen=True)
class Statement:
    """A statement that the server has prepared under this name, its parameters in order, and its columns."""

    name: bytes
    parameters: list[str]
    formats: list[PyFormat]
    columns: list[str]


class PreparedCursor:
    """A cursor that lets PostgreSQL plan a statement once per connection, not each time.

    Parameters have no type, which the statement has to give them: `%(at)s::timestamptz`. PostgreSQL would otherwise
    keep a plan for each combination of types, and null has another type than a number.

    It calls libpq, because psycopg's own cursor takes several times as long, and discards all statements after a
    rollback. That cursor still runs everything on connections that cannot keep statements.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.fallback = psycopg.Cursor(connection, row_factory=dict_row)
        self.fallback.adapters.register_dumper(int, _UntypedInt)
        self.fallback.adapters.register_dumper(datetime, _UntypedDatetime)
        self.fallback.adapters.register_loader("timestamptz", _UtcLoader)
        self.fallback.adapters.register_loader("json", _JsonLoader)
        self.fallback.adapters.register_loader("jsonb", _JsonLoader)
        self.transformer = Transformer(self.fallback)
        self.statements: dict[str, Statement] = {}
        self.rows: list[dict[str, Any]] = []

    def execute(self, query: str, params: dict[str, Any]) -> None:
        if self.connection.prepare_threshold is None:
            self.rows = self.fallback.execute(query, params).fetchall()
            return
        self._begin()
        statement = self.statements.get(query) or self._prepare(query)
        values: Any = self.transformer.dump_sequence([params[name] for name in statement.parameters], statement.formats)
        formats = self.transformer.formats
        result = self._checked(self.connection.pgconn.exec_prepared(statement.name, values, formats))
        self.transformer.set_pgresult(result)
        rows = self.transformer.load_rows(0, result.ntuples, tuple)
        # `strict` would take longer than all else here.
        self.rows = [dict(zip(statement.columns, row)) for row in rows]  # noqa: B905

    def _begin(self) -> None:
        """Begin a transaction if this is its first statement, as psycopg does."""
        is_idle = self.connection.pgconn.transaction_status == pq.TransactionStatus.IDLE
        if is_idle and not self.connection.autocommit:
            self._checked(self.connection.pgconn.exec_(b"BEGIN"))

    def _prepare(self, query: str) -> Statement:
        parameters = list(dict.fromkeys(PARAMETER.findall(query)))
        text = PARAMETER.sub(lambda match: f"${parameters.index(match[1]) + 1}", query).replace("%%", "%")
        name = f"statement_{len(self.statements)}".encode()
        self._checked(self.connection.pgconn.prepare(name, text.encode()))
        description = self._checked(self.connection.pgconn.describe_prepared(name))
        columns = [(description.fname(number) or b"").decode() for number in range(description.nfields)]
        self.statements[query] = Statement(name, parameters, [PyFormat.AUTO] * len(parameters), columns)
        return self.statements[query]

    def _checked(self, result: pq.abc.PGresult) -> pq.abc.PGresult:
        if result.status in SUCCESS:
            return result
        if self.connection.pgconn.status == pq.ConnStatus.BAD:
            raise psycopg.OperationalError(result.get_error_message())
        raise error_from_result(result)
