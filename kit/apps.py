from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate

from kit.db.triggers import inline_should_ignore


class KitConfig(AppConfig):
    name = "kit"

    def ready(self) -> None:
        post_migrate.connect(inline_should_ignore, sender=apps.get_app_config("pgtrigger"))
