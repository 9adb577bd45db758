"""Where changes come from."""

from django.db.models import TextChoices


class Door(TextChoices):
    """What history, the changes and the audit log call it, and the words for people: "via …"."""

    API = "api", "API"
    ADMIN = "admin", "admin"
    COMMAND = "command", "command line"
    DATABASE = "database", "database"
