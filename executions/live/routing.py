"""Addresses of the live connections."""

from django.urls import path

from executions.live.consumers import ExecutionConsumer, GridConsumer

websocket_urlpatterns = [
    path("ws/executions/", GridConsumer.as_asgi()),
    path("ws/executions/<uuid:execution_id>/", ExecutionConsumer.as_asgi()),
]
