"""Library admin pages that we hide.

Permissions follow from a user's type, not from groups, and nobody needs to see tokens or the secrets of second factors.
"""

from django.contrib import admin

# These modules are imported to register their pages, which are then unregistered.
from django.contrib.auth import admin as _groups_admin  # noqa: F401
from django.contrib.auth.models import Group
from django_otp.plugins.otp_static import admin as _recovery_codes_admin  # noqa: F401
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp import admin as _apps_admin  # noqa: F401
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework_simplejwt.token_blacklist import admin as _tokens_admin  # noqa: F401
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

admin.site.unregister([Group, BlacklistedToken, OutstandingToken, StaticDevice, TOTPDevice])
