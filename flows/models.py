"""What can run: a flow, its versions, and a version's workspaces, blocks, connections, variables,
notes. How flows are arranged: folders, labels, favourites.

A version is a draft until it is published and immutable after: triggers in the database refuse a
change to what belongs to a published version, so that an old execution is drawn as it ran.
"""

from collections.abc import Mapping

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Lower
from django.urls import reverse
from django.utils.text import Truncator

from flows.files.schema import LEAST_NOTE_SIZE, LONGEST_NOTE, MOST_NOTE_SIZE
from flows.roles import Role
from flows.variable_types import VARIABLE_TYPES

flow_name = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
    "Use letters, digits, hyphens, underscores and dots, starting with a letter or digit.",
)
block_key = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*$",
    "Use letters, digits, hyphens and underscores, with a slash between nested workspaces.",
)
#: A slash stands between the names of a path of folders, a comma between values of a filter.
arrangement_name = RegexValidator(
    r"^[^\s/,*\"\x00-\x1f](?:[^/,*\"\x00-\x1f]*[^\s/,*\"\x00-\x1f])?$",
    "Leave out slashes, commas, stars and quotation marks, and spaces at the ends.",
)
variable_name = RegexValidator(
    r"^[A-Za-z][A-Za-z0-9_]*$",
    "Use letters, digits and underscores, starting with a letter.",
)


class Folder(models.Model):
    """A folder of flows, which may lie in another one.

    Names differ among siblings, in any case. A trigger in the database keeps folders from lying in
    themselves, or too deep (migration 0009).
    """

    #: Folders on the way from the top to the deepest one.
    MAX_DEPTH = 8

    name = models.CharField(max_length=80, validators=[arrangement_name])
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                "parent",
                name="folder_name_unique_in_parent",
                violation_error_message="There is a folder of this name here already.",
            ),
            models.UniqueConstraint(
                Lower("name"),
                condition=Q(parent=None),
                name="folder_name_unique_at_top",
                violation_error_message="There is a folder of this name here already.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raise ValidationError when the folder would lie in itself, or too deep."""
        if self.parent is None:
            return
        parents = dict(Folder.objects.values_list("pk", "parent_id"))
        way = [self.parent.pk]
        while above := parents.get(way[-1]):
            way.append(above)
        if self.pk in way:
            raise ValidationError({"parent": "A folder cannot lie in itself."})
        if len(way) + _height(self.pk, parents) > self.MAX_DEPTH:
            most = f"Folders lie at most {self.MAX_DEPTH} deep."
            raise ValidationError({"parent": most})


def _height(folder: int | None, parents: Mapping[int, int | None]) -> int:
    """How many folders there are on the way from a folder to the deepest one in it."""
    below = [pk for pk, parent in parents.items() if folder and parent == folder]
    return 1 + max((_height(pk, parents) for pk in below), default=0)


class LabelColor(models.TextChoices):
    """The colours of labels, which `static/css/labels.css` defines for light and dark."""

    INDIGO = "indigo", "Indigo"
    TEAL = "teal", "Teal"
    AMBER = "amber", "Amber"
    PINK = "pink", "Pink"
    GREEN = "green", "Green"
    RED = "red", "Red"
    GREY = "grey", "Grey"


class Label(models.Model):
    """A word on flows, whatever their folder. A flow may have several."""

    name = models.CharField(max_length=40, validators=[arrangement_name])
    color = models.CharField(max_length=6, choices=LabelColor, default=LabelColor.INDIGO)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="label_name_unique",
                violation_error_message="There is a label of this name already.",
            ),
            models.CheckConstraint(
                condition=Q(color__in=LabelColor.values), name="label_color_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Flow(models.Model):
    """A named diagram of logic. Its versions hold the blocks.

    The name and the kind stay what they were at first, since every version is drawn and called by
    them; the description is that of the newest published version.
    """

    class Kind(models.TextChoices):
        ACTIVITY = "activity", "Activity (top to bottom)"
        PROCESS = "process", "Process (left to right)"

    name = models.CharField(max_length=120, unique=True, validators=[flow_name])
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.ACTIVITY)
    description = models.TextField(blank=True)
    worker_limit = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="How many executions of this flow may hold a worker at once; 0 for no limit. "
        "When it is empty, the setting WORKERS_PER_FLOW applies.",
    )
    retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="How many days executions of this flow are kept after they have ended; 0 for "
        "ever. When it is empty, the settings RETENTION_DAYS and RETENTION_COUNT apply.",
    )
    duration_limit_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="How many minutes an execution of this flow should take at most. Alert rules "
        "tell when one takes longer; it goes on all the same.",
    )
    folder = models.ForeignKey(
        Folder, on_delete=models.PROTECT, null=True, blank=True, related_name="flows"
    )
    labels = models.ManyToManyField(Label, blank=True, related_name="flows")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        permissions = [("start_flow", "Can start flows"), ("publish_flow", "Can publish flows")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["activity", "process"]), name="flow_kind_known"
            )
        ]
        indexes = [
            # Each claim of an execution looks for them; there are few.
            models.Index(fields=["name"], name="flow_limited", condition=Q(worker_limit__gt=0))
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("flow", args=[self.name])


class FavoriteFlow(models.Model):
    """A flow that a user has starred."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="favorites")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "flow"], name="favorite_flow_once_a_user")
        ]

    def __str__(self) -> str:
        return f"{self.flow} of {self.user}"


class Grant(models.Model):
    """A role that a user or a group has: on a flow, on all flows of a folder and of those below it,
    or on the whole site."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="grants",
    )
    group = models.ForeignKey(
        "auth.Group", on_delete=models.CASCADE, null=True, blank=True, related_name="grants"
    )
    flow = models.ForeignKey(
        Flow, on_delete=models.CASCADE, null=True, blank=True, related_name="grants"
    )
    folder = models.ForeignKey(
        Folder, on_delete=models.CASCADE, null=True, blank=True, related_name="grants"
    )
    role = models.PositiveSmallIntegerField(choices=Role)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None, group__isnull=False) | Q(user__isnull=False, group=None),
                name="grant_to_user_or_group",
                violation_error_message="Choose a user or a group.",
            ),
            models.CheckConstraint(
                condition=Q(flow=None) | Q(folder=None),
                name="grant_on_flow_or_folder",
                violation_error_message="Choose a flow or a folder, not both.",
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="grant_role_known"),
            models.UniqueConstraint(
                Coalesce("user", 0),
                Coalesce("group", 0),
                Coalesce("flow", 0),
                Coalesce("folder", 0),
                name="grant_once",
                violation_error_message="They have a role there already.",
            ),
        ]

    def __str__(self) -> str:
        holder = self.user or self.group
        return f"{Role(self.role).label} for {holder} on {self.flow or self.folder or 'everything'}"


class FlowVersion(models.Model):
    """A snapshot of a flow; a draft while `published_at` is null, immutable after.

    A flow has one draft at most; publishing it is final.
    """

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    digest = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="SHA-256 of the canonical flow document: importing the same document again "
        "changes nothing.",
    )

    class Meta:
        ordering = ["flow", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["flow", "number"], name="flow_version_unique"),
            models.UniqueConstraint(
                fields=["flow"], condition=Q(published_at=None), name="flow_one_draft"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="flow_version_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.flow.name} v{self.number}"

    @property
    def is_draft(self) -> bool:
        return self.published_at is None


class Workspace(models.Model):
    """A canvas that groups blocks, and a scope of variables.

    The top-level workspace has the key "" and no parent block. A nested one hangs on the
    Workspace (or Handle Flow Exception) block that opens it, whose key it shares.
    """

    version = models.ForeignKey(FlowVersion, on_delete=models.CASCADE, related_name="workspaces")
    key = models.CharField(max_length=200, blank=True, validators=[block_key])
    name = models.CharField(max_length=200)
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="children"
    )

    class Meta:
        ordering = ["version", "key"]
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="workspace_key_unique"),
            models.CheckConstraint(
                condition=Q(parent=None, key="") | (Q(parent__isnull=False) & ~Q(key="")),
                name="workspace_top_has_no_parent",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Block(models.Model):
    """A step of a workspace.

    `key` is unique in the version ("report/check" is the block `check` of the workspace that the
    block `report` opens). `properties` maps property names to their source in the flow file's
    notation: a literal, "=expression", "($)Variable".
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="blocks")
    version = models.ForeignKey(
        FlowVersion, on_delete=models.CASCADE, related_name="blocks", editable=False
    )
    key = models.CharField(max_length=200, validators=[block_key])
    type = models.CharField(max_length=80)
    description = models.CharField(max_length=200, blank=True)
    properties = models.JSONField(default=dict, blank=True)
    x = models.IntegerField(null=True, blank=True)
    y = models.IntegerField(null=True, blank=True)
    order = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["workspace", "order", "id"]
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="block_key_unique"),
            models.CheckConstraint(
                condition=Q(x=None, y=None) | Q(x__isnull=False, y__isnull=False),
                name="block_position_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.type


class Connection(models.Model):
    """A line from an output port to a block of the same workspace (semantics 5)."""

    class Port(models.TextChoices):
        BOTTOM = "bottom", "Bottom"
        RIGHT = "right", "Right"
        EXCEPTION = "exception", "Exception"

    source = models.ForeignKey(Block, on_delete=models.CASCADE, related_name="connections")
    port = models.CharField(max_length=9, choices=Port)
    target = models.ForeignKey(Block, on_delete=models.CASCADE, related_name="arrivals")

    class Meta:
        ordering = ["source", "port"]
        constraints = [
            models.UniqueConstraint(fields=["source", "port"], name="connection_port_once"),
            models.CheckConstraint(
                condition=Q(port__in=["bottom", "right", "exception"]),
                name="connection_port_known",
            ),
            models.CheckConstraint(
                condition=~Q(port="exception", source=F("target")), name="connection_no_self_throw"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.port} → {self.target}"


class Variable(models.Model):
    """A named container in a workspace's scope; names are case-insensitive (semantics 18).

    `default` is a property source as in `Block.properties`; it counts when `has_default` is set
    (semantics 21), since null is a value too.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="variables")
    name = models.CharField(max_length=120, validators=[variable_name])
    description = models.CharField(max_length=400, blank=True)
    type = models.CharField(
        max_length=20,
        blank=True,
        choices=[(name, name) for name in VARIABLE_TYPES],
        help_text="What the start form asks for. When it is empty, any JSON value.",
    )
    has_default = models.BooleanField(default=False)
    default = models.JSONField(null=True, blank=True)
    is_input = models.BooleanField(default=False)
    is_output = models.BooleanField(default=False)
    is_secret = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Its value is never shown. A secret variable has no default (docs/secrets.md).",
    )
    order = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["workspace", "order", "id"]
        constraints = [
            models.UniqueConstraint(Lower("name"), "workspace", name="variable_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Note(models.Model):
    """A text on the canvas of a workspace, for whoever reads the diagram; `block` is what it is
    about. `x` and `y` are its upper left corner; without them a place is found."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField(max_length=LONGEST_NOTE)
    block = models.ForeignKey(
        Block, on_delete=models.SET_NULL, null=True, blank=True, related_name="notes"
    )
    x = models.IntegerField(null=True, blank=True)
    y = models.IntegerField(null=True, blank=True)
    width = models.IntegerField(null=True, blank=True)
    height = models.IntegerField(null=True, blank=True)
    order = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["workspace", "order", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="note_not_empty"),
            models.CheckConstraint(
                condition=Q(x=None, y=None) | Q(x__isnull=False, y__isnull=False),
                name="note_position_whole",
            ),
            models.CheckConstraint(
                condition=Q(width=None, height=None)
                | Q(
                    width__isnull=False,
                    height__isnull=False,
                    width__range=(LEAST_NOTE_SIZE, MOST_NOTE_SIZE),
                    height__range=(LEAST_NOTE_SIZE, MOST_NOTE_SIZE),
                ),
                name="note_size_whole",
            ),
        ]

    def __str__(self) -> str:
        return Truncator(self.text).chars(60)
