"""End-to-end tests: working days of staff in a real browser, against what `manage.py serve` runs (`make e2e`)."""
