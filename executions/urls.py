"""Addresses of executions."""

from django.urls import path

from executions.views.help import help_page

urlpatterns = [
    path("help/", help_page, name="help"),
]
