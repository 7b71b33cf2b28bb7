from django.apps import AppConfig

from flows import bounded, sources


class FlowsConfig(AppConfig):
    name = "flows"

    def ready(self) -> None:
        """Evaluate defaults within bounds; a worker's processes are bounded themselves."""
        sources.evaluate_by(bounded.evaluate)
