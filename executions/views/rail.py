"""The numbers in the rail."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from executions.rail_numbers import RAIL_NUMBERS, count


@require_safe
@never_cache
def rail_number(request: HttpRequest, rail_number: str) -> HttpResponse:
    """Show one number as it is now."""
    if rail_number not in RAIL_NUMBERS:
        raise Http404("There is no such number in the rail.")
    counted = count(request.user, rail_number)[rail_number]
    return render(request, "partials/rail_number.html", {"counted": counted})
