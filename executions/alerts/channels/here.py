"""In the product: the bell, and its history."""

from executions.alerts.channel_type import ChannelType, account_targets

CHANNEL_TYPE = ChannelType(
    name="here",
    label="In CortexWeb",
    column="Here",
    order=10,
    targets=account_targets,
    missing=lambda _: "",
    is_default=True,
    is_held=False,
)
