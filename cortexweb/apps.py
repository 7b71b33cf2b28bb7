from django.apps import AppConfig


class CortexWebConfig(AppConfig):
    name = "cortexweb"

    def ready(self) -> None:
        from cortexweb.accounts import requirement, user_changes  # noqa: PLC0415 (after the models)

        user_changes.connect()
        requirement.connect()
