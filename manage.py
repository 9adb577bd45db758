#!/usr/bin/env python
"""Django's command line: `manage.py help` lists the commands."""

import os
import signal
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db.backends.signals import connection_created

from kit.db import sql

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ticketing.settings")
    # Killed politely, a command still runs its exit handlers: one of them stops the embedded PostgreSQL.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    # Once for all commands and all their threads. The web server's processes are not started through here.
    connection_created.connect(sql.say_command)
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Not configured: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
