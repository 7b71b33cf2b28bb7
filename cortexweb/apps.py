from django.apps import AppConfig

from cortexweb import celery as _celery  # noqa: F401 - makes it the application of all tasks


class CortexWebConfig(AppConfig):
    name = "cortexweb"

    def ready(self) -> None:
        from cortexweb.accounts import requirement, user_changes  # noqa: PLC0415 (after the models)

        user_changes.connect()
        requirement.connect()
