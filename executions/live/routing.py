"""Addresses of the live connections."""

from django.urls import URLPattern

websocket_urlpatterns: list[URLPattern] = []
