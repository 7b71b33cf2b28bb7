"""Who may see and change which webhooks and chains: they follow the rights of their flows."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404

from executions.access import User
from executions.models import Chain, Webhook
from flows import access, administrators
from flows.models import Flow


def not_allowed(flow: Flow) -> str:
    """Say that a person may not change webhooks and chains of a flow, and whom to ask."""
    return f"You may not change webhooks and chains of {flow.name}. {administrators.ask(flow)}"


def may_change(user: User, flow: Flow) -> bool:
    """Return whether the user may make, change and delete webhooks of a flow, and chains that
    begin with its ends. They start executions on the user's behalf."""
    return access.may_administer(user, flow) and access.may_start(user, flow)


def webhooks(user: User) -> QuerySet[Webhook]:
    """Return the webhooks of the flows that the user may see."""
    return Webhook.objects.filter(flow__in=access.visible(user)).select_related("flow", "owner")


def chains(user: User) -> QuerySet[Chain]:
    """Return the chains between flows of which the user may see both."""
    seen = access.visible(user)
    found = Chain.objects.filter(flow__in=seen, target__in=seen)
    return found.select_related("flow", "target", "owner")


def get_webhook_or_404(user: User, webhook_id: Any) -> Webhook:
    """Return a webhook that the user may see. Raises Http404 when there is none."""
    found = webhooks(user).filter(pk=webhook_id).first()
    if found is None:
        raise Http404("This webhook does not exist, or you may not see it.")
    return found


def get_chain_or_404(user: User, chain_id: Any) -> Chain:
    """Return a chain that the user may see. Raises Http404 when there is none."""
    found = chains(user).filter(pk=chain_id).first()
    if found is None:
        raise Http404("This chain does not exist, or you may not see it.")
    return found
