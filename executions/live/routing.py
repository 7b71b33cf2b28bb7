"""Addresses of the live connections."""

from django.urls import path, re_path

from executions.live.consumers import (
    ExecutionConsumer,
    FailureConsumer,
    FailuresConsumer,
    FlowConsumer,
    FlowsConsumer,
    GridConsumer,
    LogConsumer,
    NotFoundConsumer,
    NotificationsConsumer,
    OverviewConsumer,
    SchedulesConsumer,
    SignalsConsumer,
    StorageCollectionConsumer,
    StorageConsumer,
    WallConsumer,
    WebhookConsumer,
    WorkerConsumer,
)

websocket_urlpatterns = [
    path("ws/executions/", GridConsumer.as_asgi()),
    path("ws/executions/<uuid:execution_id>/", ExecutionConsumer.as_asgi()),
    path("ws/flows/", FlowsConsumer.as_asgi()),
    path("ws/failures/", FailuresConsumer.as_asgi()),
    path("ws/failures/<uuid:group_id>/", FailureConsumer.as_asgi()),
    path("ws/flows/<str:name>/", FlowConsumer.as_asgi()),
    path("ws/logs/", LogConsumer.as_asgi()),
    path("ws/overview/wall/<path:zone>/", WallConsumer.as_asgi()),
    path("ws/overview/<path:zone>/", OverviewConsumer.as_asgi()),
    path("ws/schedules/<int:selected>/<path:zone>/", SchedulesConsumer.as_asgi()),
    path("ws/storage/", StorageConsumer.as_asgi()),
    path("ws/storage/<int:collection_id>/", StorageCollectionConsumer.as_asgi()),
    path("ws/storage/signals/", SignalsConsumer.as_asgi()),
    path("ws/webhooks/<int:webhook_id>/", WebhookConsumer.as_asgi()),
    path("ws/workers/<str:name>/<path:zone>/", WorkerConsumer.as_asgi()),
    path("ws/notices/", NotificationsConsumer.as_asgi()),
    re_path("", NotFoundConsumer.as_asgi()),
]
