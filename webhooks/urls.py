from django.urls import path

from webhooks.views import DeliveryViewSet, WebhookViewSet

urlpatterns = [
    path("webhooks", WebhookViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "webhooks/<int:webhook_id>",
        WebhookViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path("webhooks/<int:webhook_id>/secret", WebhookViewSet.as_view({"post": "secret"})),
    path("webhooks/<int:webhook_id>/test", DeliveryViewSet.as_view({"post": "test"})),
    path("webhooks/<int:webhook_id>/deliveries", DeliveryViewSet.as_view({"get": "list"})),
    path("webhooks/<int:webhook_id>/deliveries/<int:delivery_id>", DeliveryViewSet.as_view({"get": "retrieve"})),
    path("webhooks/<int:webhook_id>/deliveries/<int:delivery_id>/retry", DeliveryViewSet.as_view({"post": "retry"})),
]
