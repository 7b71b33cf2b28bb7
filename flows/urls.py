"""Addresses of flows. The page of one flow also shows executions: see executions/urls.py."""

from django.urls import path

from flows.views import flows

urlpatterns = [path("flows/", flows, name="flows")]
