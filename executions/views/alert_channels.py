"""The pages of channels: webhooks and chats that administrators set up."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from executions.alerts import access, channel_setup
from executions.alerts.forms import ChannelForm
from executions.commands.actor import Actor
from executions.models import AlertChannel
from executions.views import shown_secrets
from executions.views.alerts import tabs
from flows import administrators


def _require_permission(request: HttpRequest) -> None:
    if not access.may_edit_channels(request.user):
        raise PermissionDenied(f"You may not set up channels. {administrators.ask()}")


@require_safe
def channel_list(request: HttpRequest) -> HttpResponse:
    """List the channels, with what became of the last message of each."""
    _require_permission(request)
    items = [
        {
            "channel": channel,
            "leads_to": channel_setup.leads_to(channel.address),
            "last": channel.deliveries.order_by("-created_at").first(),
        }
        for channel in AlertChannel.objects.select_related("person")[:500]
    ]
    context = {"section": "alerts", "items": items, **tabs(request, "channels")}
    return render(request, "alerts/channels.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new_channel(request: HttpRequest) -> HttpResponse:
    """Show the form of a new channel; a POST makes it."""
    _require_permission(request)
    return _form_page(request, AlertChannel())


@require_http_methods(["GET", "HEAD", "POST"])
def channel(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Show a channel as a form; a POST changes it."""
    return _form_page(request, access.get_channel_or_404(request.user, channel_id))


def _form_page(request: HttpRequest, shown: AlertChannel) -> HttpResponse:
    is_new = shown.pk is None
    form = ChannelForm(request.POST or None, instance=shown)
    if request.method == "POST" and form.is_valid():
        shown = channel_setup.save(Actor.of_request(request), form)
        if is_new and shown.kind == AlertChannel.Kind.WEBHOOK:
            shown_secrets.show_next(request, shown)
            return redirect("alert-channel", shown.pk)
        messages.success(request, f"{shown.name} is saved.")
        return redirect("alert-channels")
    return _page(request, shown, form)


def _page(request: HttpRequest, shown: AlertChannel, form: ChannelForm) -> HttpResponse:
    secret = shown_secrets.take(request, shown)
    context = {
        "section": "alerts",
        "channel": shown,
        "form": form,
        "secret": secret,
        "leads_to": channel_setup.leads_to(shown.address) if shown.address else "",
        "is_webhook": shown.kind == AlertChannel.Kind.WEBHOOK,
        "deliveries": shown.deliveries.select_related("user", "channel")[:20] if shown.pk else [],
        **tabs(request, "channels"),
    }
    status = 422 if form.errors else 200
    response = render(request, "alerts/channel.html", context, status=status)
    if secret:
        response["Cache-Control"] = "no-store"
    return response


@require_POST
def rotate_secret(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Replace the secret of a webhook, and lead to its page, which shows the new one once."""
    found = access.get_channel_or_404(request.user, channel_id)
    channel_setup.rotate_secret(Actor.of_request(request), found)
    shown_secrets.show_next(request, found)
    return redirect("alert-channel", found.pk)


@require_POST
def test_channel(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Send a message to a channel."""
    found = access.get_channel_or_404(request.user, channel_id)
    channel_setup.send_test(Actor.of_request(request), found)
    messages.success(request, f"A test is on its way to {found.name}: see its deliveries below.")
    return redirect("alert-channel", found.pk)


@require_POST
def delete_channel(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Delete a channel with its deliveries."""
    found = access.get_channel_or_404(request.user, channel_id)
    channel_setup.delete(Actor.of_request(request), found)
    messages.success(request, f"{found.name} is deleted.")
    return redirect("alert-channels")
