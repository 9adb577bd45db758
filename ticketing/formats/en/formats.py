"""Date formats of the admin: ISO 8601, as its forms expect, in the zone of settings.TIME_ZONE."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i"
