"""The statements of a booking in pgbench. It sends nothing else, so it is the upper limit."""

import os
import subprocess
import tempfile
from collections.abc import Mapping

from django.conf import settings

from kit.db import embedded, sql
from kit.db.backend.prepared import PARAMETER

CLIENTS = 2
COMMON = {
    "event_id": ":event",
    "quantity": "1",
    "joins": "'always'",
    "origin": "'api'",
    "at": "now()",
    "is_admin": "false",
    "max_guest_bookings": "5",
    "context": """'{"user": null, "door": "api"}'""",
}
OF_USER = COMMON | {
    "user_id": ":user",
    "guest_first_name": "''",
    "guest_last_name": "''",
    "guest_email": "''",
}
OF_GUEST = COMMON | {
    "user_id": "NULL",
    "guest_first_name": "'Greta'",
    "guest_last_name": "'Guest'",
    "guest_email": "'greta.' || :client_id || '.' || :turn || '@example.com'",
}
KEYED = OF_USER | {
    "expired_at": "now() - interval '1 day'",
    "place": "hashtextextended(:event || '/' || :user, 0)",
    "digest": "sha256((:event || '/' || :user)::text::bytea)",
    "body_digest": "sha256('')",
}


def run(script: str, *, seconds: float) -> float:
    """Return transactions per second of a script."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        options = ["--no-vacuum", "--protocol=prepared", "--define=turn=0", f"--file={file.name}"]
        options += [f"--client={CLIENTS}", f"--jobs={CLIENTS}", f"--time={max(1, round(seconds))}"]
        output = subprocess.run(
            [embedded.program("pgbench"), *options, os.environ["DATABASE_URL"]],
            env={**os.environ, "PGOPTIONS": settings.DATABASES["default"]["OPTIONS"]["options"]},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    return float(output.split("tps = ")[1].split()[0])


def bookings(event_ids: list[int], *, first_user: int, users: int, is_guest: bool, is_keyed: bool) -> str:
    """Return a script in which each client books one ticket, on each event in turn, as the next guest or user."""
    share = users // CLIENTS
    lines = [r"\set turn :turn + 1", rf"\set user {first_user} + :client_id * {share} + :turn"]
    lines.append(rf"\set event {min(event_ids)} + (:turn + :client_id * 50) % {len(event_ids)}")
    if is_guest:
        return "\n".join([*lines, statement("events/book", OF_GUEST)])
    booking = statement("events/book_once", KEYED) if is_keyed else statement("events/book", OF_USER)
    return "\n".join([*lines, statement("accounts/token_owner", {"user_id": ":user", "family": "'none'"}), booking])


def statement(name: str, parameters: Mapping[str, str]) -> str:
    """Return a statement in pgbench's syntax: on one line, with pgbench variables for its parameters."""
    lines = (line.partition("--")[0] for line in sql.text(name).splitlines())
    text = " ".join(" ".join(lines).split()).rstrip(";")
    return PARAMETER.sub(lambda match: parameters[match[1]], text) + ";"
