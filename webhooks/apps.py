from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        from changes import services
        from webhooks.deriving import read_until

        services.readers.append(read_until)
