"""A notification of the browser, by the pages that are open."""

from executions.access import User
from executions.alerts.channel_type import ChannelType, Target


def targets(user: User) -> list[Target]:
    return [Target(recipient=f"user {user.pk}")]


CHANNEL_TYPE = ChannelType(
    name="browser",
    label="Browser notification",
    column="Browser",
    order=20,
    targets=targets,
    missing=lambda _: "",
    is_default=True,
    is_held=None,
)
