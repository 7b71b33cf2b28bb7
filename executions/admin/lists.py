"""What the lists of the admin share: who sees which rows, and how they stay fast."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

from executions import access
from executions.grid.query.text_search import id_range
from flows.models import Flow

#: Rows that an action takes while the user waits.
AT_ONCE = 20
#: Rows of a list that are counted and paged.
COUNT_CAP = 10_000


def page_link(view: str, key: Any, text: str) -> str:
    """Return a link to a page of the product; "" where there is nothing to lead to."""
    return format_html('<a href="{}">{}</a>', reverse(view, args=[key]), text) if key else ""


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts at most `COUNT_CAP` rows, because a whole count reads the whole table."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNT_CAP].count())


class FlowFilter(admin.SimpleListFilter):
    """Filters by flow; its choices come from the flows, which are fewer than the executions."""

    title = "flow"
    parameter_name = "flow"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in Flow.objects.values_list("name", flat=True)]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        return queryset.filter(flow_name=self.value()) if self.value() else queryset


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list of what `executions.access` lets a user see; it stays fast with many rows.

    A search takes an execution's id, or eight digits or more that it begins with; where the rows
    have one, also a name.
    """

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    search_fields: ClassVar[tuple[str, ...]] = ("pk",)
    search_help_text = "Enter the id of an execution, or at least its first eight digits."
    #: The field that holds the execution's id.
    execution_field = "execution_id"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # Django lets an address filter by each field of the model, also by one that it hides.
        asked = lookup.partition("__")[0]
        return asked not in (self.exclude or ()) and super().lookup_allowed(lookup, value, request)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = super().get_queryset(request)
        if access.sees_all(request.user):
            return rows
        visible = access.visible(request.user).values("pk")
        return rows.filter(**{f"{self.execution_field}__in": visible})

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        term = search_term.strip()
        if not term or not self.search_fields:
            return queryset, False
        if ids := id_range(term):
            return queryset.filter(**{f"{self._id_lookup}__range": ids}), False
        return self.search_text(queryset, term), False

    @property
    def _id_lookup(self) -> str:
        """The lookup of the field that holds the execution's id; a foreign key has no ranges."""
        if self.execution_field == "pk":
            return "pk"
        field = self.model._meta.get_field(self.execution_field)
        return f"{field.name}__pk" if field.is_relation else field.name

    @admin.display(description="execution")
    def execution_page(self, row: Any) -> str:
        """The row's execution, as a link to its page."""
        return page_link("execution", row.execution_id, str(row.execution_id or "")[:13])

    def search_text(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        """Return the rows that a text finds which is not an id."""
        return queryset.none()


class OwnedRows(ReadOnly):
    """A list of what belongs to a user; users who may see every execution see everybody's."""

    list_select_related: ClassVar[tuple[str, ...]] = ("user",)
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = admin.ModelAdmin.get_queryset(self, request)
        return rows if access.sees_all(request.user) else rows.filter(user_id=request.user.pk)


class TeamRows(ReadOnly):
    """A list for users who may see every execution."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and access.sees_all(request.user)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return admin.ModelAdmin.get_queryset(self, request)
