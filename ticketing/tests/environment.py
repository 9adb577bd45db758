"""Environment variables of the tests. pytest loads this plugin before anything imports the settings."""

import os

os.environ.update(
    TESTING="on",
    DEBUG="off",
    DEMO="off",
    SECRET_KEY="a key for tests only, which protects nothing",
    ENCRYPTION_KEYS="another key for tests only that protects nothing",
    STAFF_SIGNUP="off",
    ADMIN_SECOND_FACTOR="off",
    RATE_LIMITS="off",
    REDIS_URL="",
    # Other tests keep the machine busy, and a worker at a lower priority would hardly get to run.
    WORKER_NICENESS="0",
)
