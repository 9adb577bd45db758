#!/usr/bin/env python
"""Django's command line. `manage.py help` lists the commands."""

import os
import signal
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db.backends.signals import connection_created

from kit.db import sql

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ticketing.settings")
    # On SIGTERM, exit through the exit handlers: one of them stops the embedded PostgreSQL.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    # Applies to every command and its threads. The web server's processes do not start here.
    connection_created.connect(sql.record_command)
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Configuration error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
