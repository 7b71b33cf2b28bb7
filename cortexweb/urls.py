"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from cortexweb.accounts.views import admin_sign_in, change_password, sign_in
from cortexweb.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("admin/login/", admin_sign_in),
    path("admin/", admin.site.urls),
    path("login/", sign_in, name="login"),
    path("password/", change_password, name="change-password"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("", include("flows.urls")),
    path("", include("executions.urls")),
]
