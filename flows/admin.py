"""The Django admin of flows: it shows everything, and edits drafts."""

from typing import Any

from django.contrib import admin, messages
from django.db import IntegrityError, models, transaction
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from flows import edit_conflicts
from flows.drafts import delete_block, save_block
from flows.forms import PUBLISHED, BlockForm, NoteForm, PartForm, VariableForm
from flows.graph import InvalidFlow
from flows.models import (
    Block,
    Connection,
    FavoriteFlow,
    Flow,
    FlowVersion,
    Folder,
    Label,
    Note,
    Variable,
    Workspace,
)
from flows.publish import DraftExists, new_draft, publish, save_draft


def version_of(part: Any) -> FlowVersion:
    """Return the version that a version, workspace, block, variable or note belongs to."""
    if isinstance(part, FlowVersion):
        return part
    version: FlowVersion = (part.workspace if isinstance(part, Variable | Note) else part).version
    return version


class DraftOnly:
    """Allows changes to drafts only; published versions are read-only.

    `obj` is the object, or for an inline its parent object.
    """

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)  # type: ignore[misc]
        return allowed and (obj is None or version_of(obj).is_draft)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)  # type: ignore[misc]
        return allowed and (obj is None or version_of(obj).is_draft)


class PartAdmin(DraftOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """A version or a part of one. It is deleted on its own page only, which knows whether it is a
    draft's."""

    show_full_result_count = False
    list_per_page = 50

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    form = PartForm
    change_form_template = "admin/flows/part_change_form.html"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show or save the form, unless the version was published or others changed the part
        meanwhile."""
        context: dict[str, Any] = dict(extra_context or {})
        try:
            with transaction.atomic():
                obj = self._locked(request, object_id)
                if obj is None and self._is_gone(request, object_id):
                    return self._show_deleted(request)
                if obj is not None and self._is_published_by_now(request, obj):
                    return self._not_saved(request, object_id, context)
                if obj is not None:
                    held = edit_conflicts.snapshot(self._rows(request, obj))
                    context["was"] = edit_conflicts.sign(held)
                    self._conflicts(request)[:] = edit_conflicts.conflicts(
                        request.POST.get("was", ""), held
                    )
                return super().changeform_view(request, object_id, form_url, context)
        except IntegrityError as error:
            if "is published" not in str(error):
                raise
            return self._not_saved(request, object_id, context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        with transaction.atomic():
            obj = self._locked(request, object_id)
            if obj is not None and self._is_published_by_now(request, obj):
                self.message_user(request, f"Not deleted. {PUBLISHED}", messages.ERROR)
                return HttpResponseRedirect("../change/")
            return super().delete_view(request, object_id, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the form. It is invalid until the user has seen the changes of others."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.conflicts = self._conflicts(request)
        return form

    def _is_published_by_now(self, request: HttpRequest, obj: Any) -> bool:
        may = admin.ModelAdmin.has_change_permission(self, request, obj)
        return request.method == "POST" and may and not version_of(obj).is_draft

    def _locked(self, request: HttpRequest, object_id: str | None) -> Any:
        """Return the part, or None when it is new or deleted.

        A POST also locks its version: nobody else changes, publishes or deletes anything of it
        until this request is done.
        """
        obj = self.get_object(request, object_id) if object_id else None
        if request.method != "POST":
            return obj
        versions = FlowVersion.objects.select_for_update()
        if obj is not None:
            versions.filter(pk=version_of(obj).pk).first()
            return self.get_object(request, str(object_id))
        workspace = request.POST.get("workspace", "")
        if workspace.isascii() and workspace.isdigit() and len(workspace) < 19:
            parts = Workspace.objects.filter(pk=workspace)
            versions.filter(pk__in=parts.values("version")).first()
        return None

    def _is_gone(self, request: HttpRequest, object_id: str | None) -> bool:
        may = admin.ModelAdmin.has_change_permission(self, request)
        return bool(object_id) and request.method == "POST" and may

    def _show_deleted(self, request: HttpRequest) -> HttpResponse:
        """Show what was typed into the form of a part that somebody has deleted."""
        name = self.model._meta.verbose_name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": f"Not saved: the {name} was deleted",
            "typed": _typed(request),
        }
        return TemplateResponse(request, "admin/flows/part_gone.html", context, status=410)

    def _not_saved(
        self, request: HttpRequest, object_id: str | None, context: dict[str, Any]
    ) -> HttpResponse:
        """Show the page as it is now, with what was typed."""
        self.message_user(request, f"Not saved. {PUBLISHED}", messages.ERROR)
        context["typed"] = _typed(request)
        request.method = "GET"
        response = super().changeform_view(request, object_id, "", context)
        response.status_code = 409
        return response

    def get_formset_kwargs(
        self, request: HttpRequest, obj: Any, inline: Any, prefix: str
    ) -> dict[str, Any]:
        given: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)
        if "data" in given and not isinstance(inline, LinkedInline):
            there = {str(row.pk) for row in _rows_of(inline, obj)}
            edit_conflicts.reset_deleted_rows(given["data"], prefix, there)
        return given

    def _conflicts(self, request: HttpRequest) -> list[str]:
        found: list[str] = request.META.setdefault("flows.conflicts", [])
        return found

    def _rows(self, request: HttpRequest, obj: Any) -> list[Any]:
        """Return the rows that a form edits: the object, and the rows of its inlines."""
        rows = [obj]
        for inline in self.get_inline_instances(request, obj):
            if not isinstance(inline, LinkedInline):
                rows += _rows_of(inline, obj)
        return rows


def _rows_of(inline: Any, obj: Any) -> models.QuerySet[Any]:
    found: models.QuerySet[Any] = inline.model._default_manager.filter(
        **{inline.fk_name or "workspace": obj}
    )
    return found


def _typed(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the fields of a posted form with what was typed into them."""
    hidden = ("csrfmiddlewaretoken", "was", "_save", "_continue", "_addanother")
    return [
        (name, str(text))
        for name, text in request.POST.items()
        if name not in hidden and "_FORMS" not in name and text
    ]


class PartInline(DraftOnly, admin.TabularInline):  # type: ignore[type-arg]
    extra = 0
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_add_permission(request, obj)
        return allowed and obj is not None and version_of(obj).is_draft


class LinkedInline(PartInline):
    """Read-only rows, each with a link to its own page."""

    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class VersionInline(LinkedInline):
    model = FlowVersion
    fields = ("number", "description", "created_at", "published_at", "published_by")
    readonly_fields = fields
    ordering = ("-number",)


class WorkspaceInline(LinkedInline):
    model = Workspace
    fields = ("key", "name", "parent")


class BlockInline(LinkedInline):
    model = Block
    fields = ("key", "type", "description", "order")


class VariableInline(PartInline):
    model = Variable
    form = VariableForm
    show_change_link = False


class NoteInline(PartInline):
    model = Note
    form = NoteForm
    show_change_link = False
    verbose_name_plural = "notes on its canvas"

    def get_formset(
        self, request: HttpRequest, obj: Any = None, **kwargs: Any
    ) -> type[BaseInlineFormSet]:  # type: ignore[type-arg]
        formset = super().get_formset(request, obj, **kwargs)
        if obj is not None and "block" in formset.form.base_fields:
            _offer(formset.form.base_fields["block"], Block.objects.filter(workspace=obj))
        return formset


class ConnectionInline(PartInline):
    model = Connection
    fk_name = "source"
    show_change_link = False
    verbose_name_plural = "connections: where its ports lead"

    def get_formset(
        self, request: HttpRequest, obj: Any = None, **kwargs: Any
    ) -> type[BaseInlineFormSet]:  # type: ignore[type-arg]
        formset = super().get_formset(request, obj, **kwargs)
        if obj is not None and "target" in formset.form.base_fields:
            blocks = Block.objects.filter(workspace=obj.workspace_id)
            _offer(formset.form.base_fields["target"], blocks)
        return formset


def _offer(field: Any, blocks: models.QuerySet[Block]) -> None:
    """Let a field choose among these blocks, by their keys."""
    field.queryset = blocks
    field.label_from_instance = lambda block: block.key
    # Links beside the field would lead to blocks of other workspaces.
    field.widget.can_add_related = False


@admin.register(Flow)
class FlowAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "name", "page", "kind", "folder", "description", "published", "draft", "worker_limit",
        "retention_days",
    )  # fmt: skip
    list_filter = ("kind", ("folder", admin.RelatedOnlyFieldListFilter), "labels")
    list_select_related = ("folder",)
    show_full_result_count = False
    search_fields = ("name", "description")
    fields = (
        "name",
        "kind",
        "description",
        "folder",
        "labels",
        "worker_limit",
        "retention_days",
        "duration_limit_minutes",
    )
    autocomplete_fields = ("folder", "labels")
    readonly_fields = ("description",)
    inlines = (VersionInline,)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Flow]:
        published = models.Q(versions__published_at__isnull=False)
        flows: models.QuerySet[Flow] = super().get_queryset(request)
        return flows.annotate(
            published=models.Max("versions__number", filter=published),
            draft=models.Max("versions__number", filter=~published),
        )

    @admin.display(description="page")
    def page(self, flow: Flow) -> str:
        return format_html('<a href="{}">Open</a>', flow.get_absolute_url())

    @admin.display(description="published version", ordering="published")
    def published(self, flow: Any) -> str:
        return f"v{flow.published}" if flow.published else ""

    @admin.display(description="draft", ordering="draft")
    def draft(self, flow: Any) -> str:
        return f"v{flow.draft}" if flow.draft else ""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Other flows and executions refer to the name; every version is drawn by the kind.
        return ("name", "kind", "description") if obj else ("description",)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def save_model(self, request: HttpRequest, obj: Flow, form: Any, change: bool) -> None:
        """Save a flow. A new one gets a draft with a start and an end."""
        if not change:
            version, _ = save_draft(
                {
                    "flow": obj.name,
                    "kind": obj.kind,
                    "blocks": {
                        "start": {"type": "Start Flow", "bottom": "end"},
                        "end": {"type": "End Flow"},
                    },
                }
            )
            obj.pk = version.flow_id
            obj.created_at = version.flow.created_at
        # The other fields come from its versions.
        Flow.objects.filter(pk=obj.pk).update(
            worker_limit=obj.worker_limit,
            retention_days=obj.retention_days,
            duration_limit_minutes=obj.duration_limit_minutes,
            folder=obj.folder,
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and obj is not None and not _is_published(obj)


@admin.register(Folder)
class FolderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "parent")
    list_select_related = ("parent",)
    search_fields = ("name",)
    autocomplete_fields = ("parent",)


@admin.register(Label)
class LabelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "color")
    list_filter = ("color",)
    search_fields = ("name",)


def _is_published(flow: Flow) -> bool:
    return flow.versions.filter(published_at__isnull=False).exists()


@admin.register(FlowVersion)
class FlowVersionAdmin(PartAdmin):
    list_display = ("__str__", "created_at", "published_at", "published_by")
    list_filter = (("published_at", admin.EmptyFieldListFilter),)
    list_select_related = ("flow", "published_by")
    search_fields = ("flow__name",)
    fields = ("flow", "number", "description", "created_at", "published_at", "published_by")
    readonly_fields = ("flow", "number", "created_at", "published_at", "published_by")
    ordering = ("-id",)
    inlines = (WorkspaceInline,)
    actions = ("publish_drafts", "edit_as_draft")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # Drafts come from flow files, new flows and "Edit as new draft".

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("flows.publish_flow"))

    @admin.action(description="Publish", permissions=["publish"])
    def publish_drafts(self, request: HttpRequest, queryset: models.QuerySet[FlowVersion]) -> None:
        """Publish each draft, or show the messages that prevent it."""
        for version in queryset.select_related("flow"):
            if not version.is_draft:
                self.message_user(request, f"{version} is already published.", messages.WARNING)
                continue
            try:
                publish(version, request.user)
            except InvalidFlow as error:
                for m in error.messages:
                    text = f"Not published: {version}. {m.location}: {m.summary} {m.details}"
                    self.message_user(request, text, messages.ERROR)
            else:
                self.message_user(request, f"Published: {version}.", messages.SUCCESS)

    @admin.action(description="Edit as new draft", permissions=["change"])
    def edit_as_draft(self, request: HttpRequest, queryset: models.QuerySet[FlowVersion]) -> None:
        for version in queryset.select_related("flow"):
            try:
                draft = new_draft(version)
            except DraftExists as error:
                self.message_user(request, str(error), messages.WARNING)
            else:
                address = reverse("admin:flows_flowversion_change", args=[draft.pk])
                text = format_html('New draft: <a href="{}">{}</a>.', address, draft)
                self.message_user(request, text, messages.SUCCESS)


@admin.register(Workspace)
class WorkspaceAdmin(PartAdmin):
    """Workspaces are added and deleted with the blocks that open them."""

    list_display = ("__str__", "version", "key")
    list_select_related = ("version__flow",)
    search_fields = ("version__flow__name", "name")
    fields = ("version", "key", "name", "parent", "add_block")
    readonly_fields = fields
    inlines = (VariableInline, NoteInline, BlockInline)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="blocks")
    def add_block(self, workspace: Workspace) -> str:
        if not workspace.version.is_draft:
            return "The version is published."
        address = f"{reverse('admin:flows_block_add')}?workspace={workspace.pk}"
        return format_html('<a href="{}">Add a block</a>', address)


@admin.register(Block)
class BlockAdmin(PartAdmin):
    form = BlockForm
    list_display = ("key", "type", "description", "version")
    list_select_related = ("version__flow",)
    search_fields = ("version__flow__name", "key", "type", "description")
    inlines = (ConnectionInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("workspace", "key", "type") if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def save_model(self, request: HttpRequest, obj: Block, form: Any, change: bool) -> None:
        save_block(obj)

    def delete_model(self, request: HttpRequest, obj: Block) -> None:
        delete_block(obj)


class SeenParts(admin.ModelAdmin):  # type: ignore[type-arg]
    """Parts of flows to look at; they are edited on the page of their workspace or block."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether they may be deleted with what they belong to: Django asks on the page that
        deletes that."""
        match = request.resolver_match
        page = (match.url_name or "") if match is not None else ""
        return page.endswith("_delete") and page != f"flows_{self.opts.model_name}_delete"


@admin.register(Variable)
class VariableAdmin(SeenParts):
    list_display = ("name", "workspace", "version", "type", "is_input", "is_output", "is_secret")
    list_filter = ("type", "is_input", "is_output", "is_secret")
    list_select_related = ("workspace__version__flow",)
    search_fields = ("name", "workspace__version__flow__name")
    raw_id_fields = ("workspace",)

    @admin.display(description="version")
    def version(self, variable: Variable) -> str:
        return str(variable.workspace.version)


@admin.register(Note)
class NoteAdmin(SeenParts):
    list_display = ("__str__", "workspace", "version", "block")
    list_select_related = ("workspace__version__flow", "block")
    search_fields = ("text", "workspace__version__flow__name")
    raw_id_fields = ("workspace", "block")

    @admin.display(description="version")
    def version(self, note: Note) -> str:
        return str(note.workspace.version)


@admin.register(Connection)
class ConnectionAdmin(SeenParts):
    list_display = ("source", "port", "target", "version")
    list_filter = ("port",)
    list_select_related = ("source__version__flow", "target")
    search_fields = ("source__key", "source__version__flow__name")
    raw_id_fields = ("source", "target")

    @admin.display(description="version")
    def version(self, connection: Connection) -> str:
        return str(connection.source.version)


@admin.register(FavoriteFlow)
class FavoriteFlowAdmin(SeenParts):
    list_display = ("user", "flow")
    list_select_related = ("user", "flow")
    search_fields = ("user__username", "flow__name")
    raw_id_fields = ("user", "flow")
