"""Date formats of the admin: ISO 8601, as its forms expect, and in UTC."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i"
