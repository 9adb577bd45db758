"""Days of people at work, in a real browser, against everything that `manage.py serve` runs (`make e2e`)."""
