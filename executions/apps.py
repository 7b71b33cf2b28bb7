from django.apps import AppConfig


class ExecutionsConfig(AppConfig):
    name = "executions"

    def ready(self) -> None:
        from executions import rights_changes  # noqa: PLC0415 (models load after the apps)
        from executions.alerts import personal  # noqa: PLC0415 (models load after the apps)
        from executions.failures import events, occurrences  # noqa: PLC0415 (after the models)
        from executions.statistics import aggregation  # noqa: PLC0415 (models load after the apps)

        aggregation.failures_counted.connect(occurrences.count)
        events.happened.connect(personal.notify)
        rights_changes.connect()
