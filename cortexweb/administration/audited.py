"""What is changed in the admin is in the audit trail: every model, actions included."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.http import HttpRequest, HttpResponse

from executions import audit
from executions.audit.states import state_of
from executions.commands.actor import Actor

#: The app whose actions give commands, which write their entries themselves.
_AUDITS_ITSELF = "executions"
#: Rows of an action that have an entry each; of more, one says how many there were.
_NAMED = 100


class Audited(admin.ModelAdmin):  # type: ignore[type-arg]
    """Writes the audit entry of each row that is added, changed or deleted, before and after."""

    def get_object(self, request: HttpRequest, *args: Any, **more: Any) -> Any:
        found = super().get_object(request, *args, **more)
        if found is not None and request.method == "POST":
            # The form writes into this object.
            found._before = state_of(found)
        return found

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        _record(request, "add", obj, after=state_of(obj))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        before = getattr(obj, "_before", None)
        detail = str(message) if isinstance(message, str) else _sentence(message)
        fresh = type(obj)._default_manager.filter(pk=obj.pk).first() or obj
        _record(request, "change", obj, before=before, after=state_of(fresh), detail=detail)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            _record(request, "delete", obj, before=state_of(obj))
        return super().log_deletions(request, queryset)

    def response_action(
        self, request: HttpRequest, queryset: models.QuerySet[Any], *args: Any, **more: Any
    ) -> HttpResponse | None:
        name = request.POST.get("action", "")
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        response = super().response_action(request, queryset, *args, **more)
        if name in ("", "delete_selected") or self.opts.app_label == _AUDITS_ITSELF:
            return response
        rows = self.model._default_manager.filter(pk__in=chosen[:_NAMED])
        detail = f"{len(chosen)} rows" if len(chosen) > _NAMED else ""
        for row in rows:
            _record(request, name.replace("_", "-"), row, detail=detail)
        return response


def _sentence(message: list[dict[str, Any]]) -> str:
    """Return the rows of inlines that a form has changed: the fields of others stand for
    themselves."""
    parts = []
    for one in message:
        for verb, what in one.items():
            if "object" in what:
                fields = f": {', '.join(what['fields'])}" if what.get("fields") else ""
                parts.append(f"{verb} {what['name']} {what['object']}{fields}")
    return "; ".join(parts)


def _record(request: HttpRequest, command: str, obj: Any, **about: Any) -> None:
    actor = Actor.of_request(request, "admin")
    audit.record(actor, command, subject=obj, **about)
