"""The functions of expressions, for completion."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from flows.expressions.functions import FUNCTIONS

#: How many are offered.
OFFERED = 8


@require_safe
def function_completions(request: HttpRequest) -> HttpResponse:
    """List the functions whose names begin with `q`, then those that contain it."""
    typed = request.GET.get("q", "").casefold()[:50]
    found = [one for name, one in sorted(FUNCTIONS.items()) if typed in name.casefold()]
    found.sort(key=lambda one: not one.name.casefold().startswith(typed))
    return render(request, "executions/functions.html", {"functions": found[:OFFERED]})
