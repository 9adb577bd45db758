"""All settings, read once from the environment and from `.env` if there is one.

The default is production, with everything closed. `make run` sets `DEMO`; `DEBUG` is for development. README.md lists
the variables.
"""

from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import environ
import pghistory
from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy

from kit import money, zones
from kit.db import configuration
from kit.local_secret import local_secret
from ticketing import admin_theme, content_policies, installed_apps, logs, middleware, openapi, rest_framework

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
VERSION = (BASE_DIR / "VERSION").read_text().strip()

environ.Env.read_env(BASE_DIR / ".env")
env = environ.Env()

# --- Mode --------------------------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
TESTING = env.bool("TESTING", default=False)
IS_LOCAL = DEBUG or DEMO or TESTING

SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if not IS_LOCAL:
        raise ImproperlyConfigured("SECRET_KEY is not set. It has no default in production; see .env.example.")
    SECRET_KEY = local_secret(VAR_DIR / "secret_key")
# Earlier keys, whose signatures are still accepted.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# For stored secrets (kit/encryption.py). Required in production (ticketing/checks.py).
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[])
if not ENCRYPTION_KEYS and IS_LOCAL:
    ENCRYPTION_KEYS = [local_secret(VAR_DIR / "encryption_key")]

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if IS_LOCAL else [])

# --- Apps and middleware -----------------------------------------------------------------------------------------

PROJECT_APPS = installed_apps.OURS
INSTALLED_APPS = [*PROJECT_APPS, *installed_apps.OTHERS]

# What Prometheus sends to read /metrics. Without it, there are no metrics, and counting them takes no time.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_DIR = VAR_DIR / "metrics"
# Where backups are written, for `manage.py doctor` to see whether there is a recent one.
BACKUP_DIR = env.str("BACKUP_DIR", default="")

MIDDLEWARE = [*middleware.COUNTING, *middleware.ALL] if METRICS_TOKEN else middleware.ALL
API_MIDDLEWARE = middleware.API
PAGE_MIDDLEWARE = middleware.PAGES
ADMIN_MIDDLEWARE = middleware.ADMIN

ROOT_URLCONF = "ticketing.urls"
WSGI_APPLICATION = "ticketing.wsgi.application"
APPEND_SLASH = False
# The site is at the root of its domain. Django would look for signs of mod_rewrite in every request.
FORCE_SCRIPT_NAME = ""

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Database ----------------------------------------------------------------------------------------------------

# Of the embedded PostgreSQL, used without DATABASE_URL.
CLUSTER = VAR_DIR / ("postgres-test" if TESTING else "postgres")
# Whether DATABASE_URL leads to a pooler that lends connections to one transaction after another, such as PgBouncer with
# deploy/pgbouncer.ini.
DATABASE_POOLER = env.bool("DATABASE_POOLER", default=False)
DATABASES = configuration.configuration(
    env.str("DATABASE_URL", default=""), CLUSTER, durable=not TESTING, is_pooled=DATABASE_POOLER
)
# PgBouncer before 1.21 cannot prepare statements.
if env.bool("PREPARE_STATEMENTS", default=not DATABASE_POOLER):
    DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 0
# Past the pooler, for a worker to LISTEN. Without it, workers behind a pooler look for work every few seconds.
if _direct := env.str("WORKER_DATABASE_URL", default=""):
    DATABASES[configuration.DIRECT] = configuration.database("WORKER_DATABASE_URL", _direct)
# A streaming replica for lists, searches, exports and analytics (kit/replicas). Through a pooler too, if there is one.
REPLICA_URL = env.str("REPLICA_URL", default="")
# A replica that is further behind is not read.
REPLICA_MAX_LAG_SECONDS = env.int("REPLICA_MAX_LAG_SECONDS", default=5)
if REPLICA_URL:
    DATABASES[configuration.REPLICA] = configuration.replica(
        DATABASES["default"], REPLICA_URL, is_pooled=DATABASE_POOLER
    )
    DATABASE_ROUTERS = ["kit.db.routing.Router"]
    MIDDLEWARE = ["kit.replicas.reading.remember_changes", *MIDDLEWARE]
# An OpenTelemetry collector to send traces to (ticketing/operations/tracing.py). Without it, nothing is traced.
TRACING = bool(env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default=""))
OTEL_SERVICE_NAME = env.str("OTEL_SERVICE_NAME", default="ticketing")
if TRACING:
    if find_spec("opentelemetry") is None:
        raise ImproperlyConfigured(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but its packages are missing. Install requirements-telemetry.txt."
        )
    MIDDLEWARE = ["ticketing.operations.tracing.trace_requests", *MIDDLEWARE]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Users and sign-in -------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
# auth.W004 asks for unique=True on the e-mail address; ours is unique regardless of case, by a constraint.
# The others look for middleware in MIDDLEWARE, but it is in the lists for pages (ticketing/tests/test_middleware.py).
SILENCED_SYSTEM_CHECKS = [
    *("auth.W004", "axes.W002", "admin.E408", "admin.E409", "admin.E410"),
    *("security.W001", "security.W002", "security.W003"),
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "accounts.permissions.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "accounts.models.SpecialCharacterValidator"},
]
PASSWORD_HASHERS = ["accounts.models.Argon2Hasher"]
# Lifetime in seconds of a mailed code for setting a password.
PASSWORD_RESET_TIMEOUT = 24 * 3600

# Whether anyone can sign up as staff. Document 000 requires it, so the demo allows it.
STAFF_SIGNUP = env.bool("STAFF_SIGNUP", default=DEMO)

ACCESS_TOKEN_MINUTES = env.int("ACCESS_TOKEN_MINUTES", default=60)
REFRESH_TOKEN_DAYS = env.int("REFRESH_TOKEN_DAYS", default=14)
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=ACCESS_TOKEN_MINUTES),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=REFRESH_TOKEN_DAYS),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "CHECK_REVOKE_TOKEN": True,
    "ALGORITHM": "HS256",
    # Seconds by which the clocks of the machines that issue and check tokens may differ.
    "LEEWAY": 10,
}
# How long after its first use a refresh token still gets a new pair, for browser tabs that renew it at the same time.
REFRESH_GRACE_SECONDS = env.int("REFRESH_GRACE_SECONDS", default=10)

# Lockout: repeated failures block an account for one network address for a while, in the API and the admin.
AXES_FAILURE_LIMIT = env.int("LOCKOUT_FAILURES", default=5)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("LOCKOUT_MINUTES", default=15))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
# The name used by `authenticate` and the admin's form. By default, axes looks for USERNAME_FIELD instead.
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "accounts.lockout.account_key"
AXES_LOCKOUT_CALLABLE = "accounts.lockout.locked_out_response"
AXES_WHITELIST_CALLABLE = "accounts.lockout.is_uncounted"
AXES_RESET_ON_SUCCESS = True
AXES_HTTP_RESPONSE_CODE = 429
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
# Failures per hour and account over all addresses, and from one IPv6 /48 (accounts/budgets.py).
LOCKOUT_ACCOUNT_FAILURES = env.int("LOCKOUT_ACCOUNT_FAILURES", default=50)
LOCKOUT_NETWORK_FAILURES = env.int("LOCKOUT_NETWORK_FAILURES", default=20)
# The number of our own reverse proxies. With 0, X-Forwarded-For is not trusted.
PROXY_COUNT = env.int("PROXY_COUNT", default=0)
AXES_CLIENT_IP_CALLABLE = "kit.web.address.client_address"

# Whether the admin asks staff for a second factor (accounts/admin/second_factor_page.py). The API does not.
ADMIN_SECOND_FACTOR = env.bool("ADMIN_SECOND_FACTOR", default=False)
# The name shown in authenticator apps.
OTP_TOTP_ISSUER = "Ticketing"

# --- History -----------------------------------------------------------------------------------------------------

# Each history row contains its context (who and how), so it needs no join and cannot change later.
PGHISTORY_CONTEXT_FIELD = pghistory.ContextJSONField()
PGHISTORY_CONTEXT_ID_FIELD = pghistory.ContextUUIDField()
# Gives changes within one transaction different times.
PGHISTORY_CREATED_AT_FUNCTION = "clock_timestamp()"
# History is only read by ticket; an index on every foreign key would slow down each change.
PGHISTORY_FOREIGN_KEY_FIELD = pghistory.ForeignKey(db_index=False)
# Other methods change nothing, so their statements need no context.
PGHISTORY_MIDDLEWARE_METHODS = ("POST", "PUT", "PATCH", "DELETE")

# How long the audit log is kept: 0 for ever, or at least 30 (accounts/sql/triggers/keep_audit.sql).
AUDIT_KEEP_DAYS = env.int("AUDIT_KEEP_DAYS", default=730)

# --- API ---------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = rest_framework.SETTINGS

# Rate limits per user, or per address if signed out. Counted in Redis if REDIS_URL is set, otherwise per process.
RATE_LIMITS = env.bool("RATE_LIMITS", default=not DEMO)
RATE_LIMIT = env.str("RATE_LIMIT", default="600/minute")
RATE_LIMIT_SIGN_IN = env.str("RATE_LIMIT_SIGN_IN", default="20/minute")
RATE_LIMIT_GUEST = env.str("RATE_LIMIT_GUEST", default="10/minute")
REDIS_URL = env.str("REDIS_URL", default="")

# Live bookings that a guest's e-mail address can have for one event.
MAX_GUEST_BOOKINGS = env.int("MAX_GUEST_BOOKINGS", default=5)
if MAX_GUEST_BOOKINGS < 1:
    raise ImproperlyConfigured("MAX_GUEST_BOOKINGS must be at least 1.")

# The contracts to serve besides our own API (ticketing/urls.py). They loosen some of its rules (docs/operations.md).
_contracts = ["box_office", "ticks", "helpdesk"]
CONTRACTS = env.list("CONTRACTS", default=_contracts if IS_LOCAL else [])
if _unknown := sorted(set(CONTRACTS) - set(_contracts)):
    raise ImproperlyConfigured(f"Unknown in CONTRACTS: {', '.join(_unknown)}. Choose from {', '.join(_contracts)}.")

CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
# Front ends in development run on ports of this machine.
CORS_ALLOWED_ORIGIN_REGEXES = [r"^http://(localhost|127\.0\.0\.1):\d{1,5}\Z"] if DEMO else []
CORS_URLS_REGEX = r"^/(?!admin/).*$"
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "if-match", "if-none-match", "x-manage-token"]
CORS_EXPOSE_HEADERS = [
    "X-Request-ID",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "ETag",
    "Idempotent-Replayed",
    "Content-Disposition",
]

SPECTACULAR_SETTINGS = openapi.SETTINGS

# --- Mail --------------------------------------------------------------------------------------------------------

# smtp://, smtp+tls:// (STARTTLS) or smtp+ssl://user:password@host:port. Locally the default is files in var/mail.
EMAIL_URL = env.str("EMAIL_URL", default="")
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
if EMAIL_URL:
    vars().update(env.email_url("EMAIL_URL"))
elif IS_LOCAL:
    EMAIL_BACKEND = "notifications.transport.FileBackend"
    EMAIL_FILE_PATH = VAR_DIR / "mail"
# Or a provider: EMAIL_BACKEND=anymail.backends.postmark.EmailBackend and ANYMAIL_POSTMARK_SERVER_TOKEN=…
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default=EMAIL_BACKEND)
# Seconds without a response after which the mail server counts as unreachable.
EMAIL_TIMEOUT = env.int("MAIL_TIMEOUT", default=10)
ANYMAIL = {name.removeprefix("ANYMAIL_"): env.str(name) for name in env.ENVIRON if name.startswith("ANYMAIL_")}
ANYMAIL["REQUESTS_TIMEOUT"] = EMAIL_TIMEOUT

MAIL_FROM = env.str("MAIL_FROM", default="Ticketing <ticketing@localhost>")
DEFAULT_FROM_EMAIL = MAIL_FROM
# The public URL of this site, for links in mail.
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000" if IS_LOCAL else "").rstrip("/")

# After a temporary failure, mail is retried after 30 s, 1 min, 2 min … 1 h, for 72 h in total.
MAIL_RETRY_SECONDS = env.int("MAIL_RETRY_SECONDS", default=30)
MAIL_RETRY_MAX_SECONDS = env.int("MAIL_RETRY_MAX_SECONDS", default=3600)
MAIL_RETRY_HOURS = env.int("MAIL_RETRY_HOURS", default=72)
# Messages about tickets per hour to one address, and from one customer's changes to others. More become summaries.
MAIL_PER_RECIPIENT = env.int("MAIL_PER_RECIPIENT", default=100)
MAIL_PER_CUSTOMER = env.int("MAIL_PER_CUSTOMER", default=60)
# Messages per hour to a guest's address, to which anyone can book, and to one that an account had only for a moment.
# More have to wait.
MAIL_PER_GUEST = env.int("MAIL_PER_GUEST", default=20)
if min(MAIL_PER_RECIPIENT, MAIL_PER_CUSTOMER, MAIL_PER_GUEST) < 1:
    raise ImproperlyConfigured("MAIL_PER_RECIPIENT, MAIL_PER_CUSTOMER and MAIL_PER_GUEST must be at least 1.")
# How long the records of sent and failed mail are kept.
MAIL_KEEP_DAYS = env.int("MAIL_KEEP_DAYS", default=90)

# --- Webhooks ---------------------------------------------------------------------------------------------------

# Whether webhooks may go to private addresses, and over http. Only for networks whose services trust every admin.
WEBHOOK_ALLOW_PRIVATE = env.bool("WEBHOOK_ALLOW_PRIVATE", default=DEMO)
# Deliveries to one webhook that are under way at a time.
WEBHOOK_CONCURRENCY = env.int("WEBHOOK_CONCURRENCY", default=20)
if WEBHOOK_CONCURRENCY < 1:
    raise ImproperlyConfigured("WEBHOOK_CONCURRENCY must be at least 1.")
# How long deliveries are kept.
WEBHOOK_KEEP_DAYS = env.int("WEBHOOK_KEEP_DAYS", default=30)

# --- Changes -----------------------------------------------------------------------------------------------------

# How long changes can be read in `GET /changes`.
CHANGES_KEEP_DAYS = env.int("CHANGES_KEEP_DAYS", default=30)

# --- Jobs --------------------------------------------------------------------------------------------------------

# Connections that one worker opens to a mail server that makes it wait.
WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", default=4)
# By how much a worker lowers its own priority (see nice(1)), so that the processes that answer requests go first.
WORKER_NICENESS = env.int("WORKER_NICENESS", default=10)
# Jobs that one worker runs at a time, apart from sending mail. They are rare and short.
WORKER_JOBS = 2
PROCRASTINATE_WORKER_DEFAULTS = {
    "concurrency": WORKER_JOBS,
    # LISTEN wakes the worker for new jobs; polling finds jobs announced while it was reconnecting.
    "fetch_job_polling_interval": 30.0,
    "abort_job_polling_interval": 30.0,
    "shutdown_graceful_timeout": 8.0,
    "delete_jobs": "successful",
}
# Periodic jobs that came due in the last day while no worker was running run when one starts.
PROCRASTINATE_PERIODIC_DEFAULTS = {"max_delay": 24 * 3600}

# --- Admin -------------------------------------------------------------------------------------------------------

LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
# accounts/admin/failed_sign_ins.py shows them instead.
AXES_ENABLE_ADMIN = False
UNFOLD = admin_theme.SETTINGS

# --- Language, time, static files --------------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
# The default for new events, and the zone of times in the admin and in mail about tickets. The API uses UTC.
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
if TIME_ZONE not in zones.names():
    raise ImproperlyConfigured(f"TIME_ZONE is {TIME_ZONE!r}. {zones.UNKNOWN_TIME_ZONE}")
# The default for new events.
CURRENCY = env.str("CURRENCY", default="EUR")
if CURRENCY not in money.DECIMAL_PLACES:
    raise ImproperlyConfigured(f"CURRENCY is {CURRENCY!r}. {money.UNKNOWN_CURRENCY}")
FORMAT_MODULE_PATH = "ticketing.formats"

STATIC_URL = "/static/"
STATIC_ROOT = None if IS_LOCAL else VAR_DIR / "static"
# Locally, files are served from the source folders; in production, `collectstatic` copies and fingerprints them.
WHITENOISE_USE_FINDERS = IS_LOCAL
# Otherwise, each client that a test creates would list all static files.
WHITENOISE_AUTOREFRESH = DEBUG or TESTING
if not IS_LOCAL:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

# --- Security ----------------------------------------------------------------------------------------------------

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# Seconds that a client may take to send the head (at most 60) and the body of a request.
REQUEST_HEAD_SECONDS = env.int("REQUEST_HEAD_SECONDS", default=10)
REQUEST_BODY_SECONDS = env.int("REQUEST_BODY_SECONDS", default=30)
# In each process. Each thread has a database connection, and PostgreSQL is fastest with two to four per core.
WEB_THREADS = 2
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {"DIRECTIVES": content_policies.PAGES}
ADMIN_CONTENT_SECURITY_POLICY = content_policies.ADMIN
SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "accounts.admin.kept_forms.csrf_failure"
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
if not IS_LOCAL:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    if PROXY_COUNT:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Logs --------------------------------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOG_FORMAT = env.str("LOG_FORMAT", default="console" if IS_LOCAL else "json")
if LOG_FORMAT not in logs.FORMATS:
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}. Choose from {', '.join(logs.FORMATS)}.")
LOGGING = logs.configure(level=LOG_LEVEL, line_format=LOG_FORMAT, has_traces=TRACING)
