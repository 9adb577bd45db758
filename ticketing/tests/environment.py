"""What the tests' settings are read from; pytest loads this before anything imports them."""

import os

os.environ.update(
    TESTING="on",
    DEBUG="off",
    DEMO="off",
    SECRET_KEY="a key for tests alone, which guards nothing and nobody",
    STAFF_SIGNUP="off",
    ADMIN_SECOND_FACTOR="off",
    RATE_LIMITS="off",
    REDIS_URL="",
)
