from django.urls import path

from analytics.views import BoxOfficeView, DashboardView, HistoryView

urlpatterns = [
    path("tickets/analytics", HistoryView.as_view()),
    path("dashboard/analytics", DashboardView.as_view()),
    path("events/analytics", BoxOfficeView.as_view()),
]
