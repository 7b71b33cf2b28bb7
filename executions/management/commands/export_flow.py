"""Write a flow as a flow file."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from executions.schedules.flow_files import schedules_for_file
from flows import checks
from flows.files import dump_json, dump_yaml
from flows.models import FlowVersion
from flows.queries import document


class Command(BaseCommand):
    help = "Write the newest or the given version of a flow to standard output, as a flow file."
    # The others read every address, page and form of the site first, which takes a second.
    requires_system_checks = (checks.BLOCKS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--version", type=int, help="number of the version (default: the newest)"
        )
        parser.add_argument("--json", action="store_true", help="write JSON instead of YAML")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Django's own --version would take ours.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def handle(self, *, name: str, version: int | None, json: bool, **options: Any) -> None:
        versions = FlowVersion.objects.select_related("flow").filter(flow__name=name)
        if version is not None:
            versions = versions.filter(number=version)
        found = versions.order_by("-number").first()
        if found is None:
            wanted = f"flow {name}" if version is None else f"v{version} of the flow {name}"
            raise CommandError(f"There is no {wanted}.")
        dump = dump_json if json else dump_yaml
        self.stdout.write(dump({**document(found), **schedules_for_file(found.flow)}), ending="")
