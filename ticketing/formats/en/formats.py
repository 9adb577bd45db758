"""How pages write times: as its forms read them, the same in every country. In UTC, as everywhere."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i"
