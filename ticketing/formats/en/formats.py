"""Date formats of the admin: ISO 8601, as its forms expect, and the abbreviation of the viewer's time zone."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i T"
