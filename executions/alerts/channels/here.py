"""In the product: the bell, and its history."""

from executions.access import User
from executions.alerts.way import Target, Way


def targets(user: User) -> list[Target]:
    return [Target(recipient=f"user {user.pk}")]


WAY = Way(
    name="here",
    label="In CortexWeb",
    column="Here",
    order=10,
    targets=targets,
    missing=lambda _: "",
    is_default=True,
    is_held=False,
)
