"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from cortexweb.accounts.views import admin_sign_in
from cortexweb.api import application
from cortexweb.api.documentation import documentation
from cortexweb.health import healthz, readyz
from cortexweb.metrics.views import metrics

handler400 = "cortexweb.web.errors.bad_request"

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("api/docs", documentation, name="api-documentation"),
    path("api/", include((application.urls(), "api"))),
    path("admin/login/", admin_sign_in),
    # The admin's own page would accept any number of guesses.
    path("admin/password_change/", RedirectView.as_view(pattern_name="change-password")),
    path("admin/", admin.site.urls),
    path("", include("cortexweb.accounts.urls")),
    path("", include("executions.urls")),
]
