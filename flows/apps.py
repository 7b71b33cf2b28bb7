from django.apps import AppConfig

from flows import sandbox, value_sources


class FlowsConfig(AppConfig):
    name = "flows"

    def ready(self) -> None:
        """Evaluate defaults in a sandbox, except in workers, whose processes have limits."""
        value_sources.set_constant_evaluator(sandbox.evaluate)
