"""The addresses to sign in and of what belongs to it. The names are those by which allauth calls
the pages that it leads to; what it has besides (sign-up, addresses, connections) has no address."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from cortexweb.accounts import account_views, provider, views

#: There is one provider (`cortexweb.settings`).
_PROVIDER = {"provider_id": "oidc"}

urlpatterns = [
    path("login/", views.sign_in, name="login"),
    path("login/", views.sign_in, name="account_login"),
    path("login/second-factor/", account_views.second_factor, name="mfa_authenticate"),
    path("login/passkey/", account_views.passkey_sign_in, name="mfa_login_webauthn"),
    path("login/oidc/", provider.start, _PROVIDER, name="openid_connect_login"),
    path("login/oidc/callback/", provider.come_back, _PROVIDER, name="openid_connect_callback"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", views.change_password, name="change-password"),
    path("password/forgotten/", views.forgot_password, name="forgot-password"),
    path("password/reset/<uidb64>/<token>/", views.reset_password, name="password_reset_confirm"),
    path("account/confirm/", account_views.confirm_password, name="account_reauthenticate"),
    path("account/confirm/code/", account_views.confirm_code, name="mfa_reauthenticate"),
    path(
        "account/confirm/passkey/",
        account_views.confirm_passkey,
        name="mfa_reauthenticate_webauthn",
    ),
    path("account/confirm/again/", account_views.sign_in_again, name="sign-in-again"),
    path("account/security/", account_views.security, name="mfa_index"),
    path("account/passkeys/", account_views.security, name="mfa_list_webauthn"),
    path("account/set-up/", account_views.set_up, name="set-up-second-factor"),
    path("account/app/", account_views.add_app, name="mfa_activate_totp"),
    path("account/app/remove/", account_views.remove_app, name="mfa_deactivate_totp"),
    path(
        "account/recovery-codes/",
        account_views.show_recovery_codes,
        name="mfa_view_recovery_codes",
    ),
    path(
        "account/recovery-codes/new/",
        account_views.new_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path("account/passkeys/add/", account_views.add_passkey, name="mfa_add_webauthn"),
    path(
        "account/passkeys/<int:pk>/rename/", account_views.rename_passkey, name="mfa_edit_webauthn"
    ),
    path(
        "account/passkeys/<int:pk>/remove/",
        account_views.remove_passkey,
        name="mfa_remove_webauthn",
    ),
    path("account/sessions/<int:session_id>/end/", account_views.end_session, name="end-session"),
    path("account/sessions/end/", account_views.end_other_sessions, name="end-other-sessions"),
]
