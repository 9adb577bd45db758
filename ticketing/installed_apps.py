"""Our apps and those of the packages they stand on."""

# In the order of the floors: ground, rooms, doors. No app imports a later one.
OURS = [
    "kit",
    "kit.activity",
    "kit.idempotency",
    "kit.long_tasks",
    "kit.replicas",
    "kit.search",
    "accounts",
    "projects",
    "sla",
    "tickets",
    "events",
    "changes",
    "notifications",
    "webhooks",
    "analytics",
    "demo",
    "ticketing",
]

OTHERS = [
    "unfold",
    "unfold.contrib.filters",
    # Only ticketing/urls.py loads the admin, which the worker and most commands do not need.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "corsheaders",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "pgtrigger",
    "pghistory",
    "procrastinate.contrib.django",
]
