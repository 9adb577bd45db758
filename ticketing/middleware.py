"""The middleware of every request, then that of requests to the API, to pages and to the admin, outermost first."""

# With METRICS_TOKEN only.
COUNTING = ["ticketing.operations.metrics.count_requests"]

ALL = [
    "kit.web.middleware.log_request",
    "kit.web.headers.keep_private",
    "kit.web.branches.ApiOrPages",
]

# The API's responses are JSON, CSV or nothing. What only a page needs would take a tenth of a short request.
API = [
    "kit.web.headers.CorsMiddleware",
    "kit.web.middleware.answer_in_json",
    "kit.web.headers.ApiSecurityMiddleware",
    "kit.web.compression.CompressionMiddleware",
    "kit.web.middleware.record_history",
]

PAGES = [
    "kit.web.headers.ContentSecurityPolicyMiddleware",
    "kit.web.pages.answer_browsers_with_pages",
    "kit.web.headers.CorsMiddleware",
    "kit.web.middleware.answer_in_json",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kit.web.compression.CompressionMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "kit.web.middleware.HistoryMiddleware",
    "kit.web.branches.AdminOnly",
]

# The API uses no sessions, cookies or forms. It answers lockouts in its views (accounts/services/authentication.py).
ADMIN = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "accounts.devices.KnownDeviceMiddleware",
    "accounts.admin.kept_forms.KeptFormMiddleware",
    "accounts.admin.second_factor_page.SecondFactorMiddleware",
    "accounts.time_zones.own_time_zone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
    "kit.admin.requests.UnreadableRequestMiddleware",
    "kit.admin.requests.ComposedTextMiddleware",
    "kit.admin.once.OnceMiddleware",
]
