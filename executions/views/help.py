"""The help page: what each status means, and the keyboard shortcuts."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from executions import appearance


def help_page(request: HttpRequest) -> HttpResponse:
    """What the icons and words of the other pages mean."""
    context = {"section": "help", "meanings": appearance.MEANINGS.items()}
    return render(request, "executions/help.html", context)
