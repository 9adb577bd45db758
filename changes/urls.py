from django.urls import path

from changes.views import Changes

urlpatterns = [path("changes", Changes.as_view())]
