"""Environment variables of the tests, and settings of Hypothesis. pytest loads this plugin before all else."""

import os

from hypothesis import HealthCheck, settings

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

# A busy machine is not a failure. The fixtures of a test that examples share keep no state.
settings.register_profile(
    "ticketing", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("ticketing")
