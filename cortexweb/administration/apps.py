from django.contrib.admin.apps import AdminConfig

from cortexweb import checks  # noqa: F401 (registers itself with Django)


class AdministrationConfig(AdminConfig):
    default_site = "cortexweb.administration.site.AdminSite"
