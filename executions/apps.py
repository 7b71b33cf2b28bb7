from django.apps import AppConfig


class ExecutionsConfig(AppConfig):
    name = "executions"

    def ready(self) -> None:
        from executions.failures import occurrences  # noqa: PLC0415 (models load after the apps)
        from executions.statistics import fold  # noqa: PLC0415 (models load after the apps)

        fold.failures_counted.connect(occurrences.count)
