"""Addresses of executions."""

from django.urls import path

from executions.views.commands import command
from executions.views.grid import execution_children, executions
from executions.views.help import help_page

urlpatterns = [
    path("", executions, name="executions"),
    path("executions/commands/<str:command>/", command, name="execution-command"),
    path("executions/<uuid:execution_id>/children/", execution_children, name="execution-children"),
    path("help/", help_page, name="help"),
]
