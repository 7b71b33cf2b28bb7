"""In the product: the bell, and its history."""

from executions.access import User
from executions.alerts.channel_type import ChannelType, Target


def targets(user: User) -> list[Target]:
    return [Target(recipient=f"user {user.pk}")]


CHANNEL_TYPE = ChannelType(
    name="here",
    label="In CortexWeb",
    column="Here",
    order=10,
    targets=targets,
    missing=lambda _: "",
    is_default=True,
    is_held=False,
)
