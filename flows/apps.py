from django.apps import AppConfig

from flows import sandbox, value_sources


class FlowsConfig(AppConfig):
    name = "flows"

    def ready(self) -> None:
        """Evaluate defaults within bounds; a worker's processes are bounded themselves."""
        value_sources.set_constant_evaluator(sandbox.evaluate)
