"""`manage.py rights`: list the roles that people have, give one, withdraw one."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from executions.commands import rights
from executions.commands.actor import Actor
from executions.commands.request import CommandRefused
from executions.commands.rights import Place
from flows.models import Flow, Grant
from flows.queries import folder_at, folder_paths
from flows.roles import Role

_ROLES = {role.name.lower(): role for role in Role}


class Command(BaseCommand):
    help = "List the roles that people and groups have; give one, or withdraw one."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="what", required=True)
        commands.add_parser("list", help="list all roles that are given")
        give = commands.add_parser("give", help="give a role, instead of the one that they have")
        withdraw = commands.add_parser("withdraw", help="withdraw a role")
        for command in (give, withdraw):
            command.add_argument("holder", help="a group or a user; group:NAME or user:NAME")
            place = command.add_mutually_exclusive_group()
            place.add_argument("--flow", help="a flow; without it, the whole site")
            place.add_argument("--folder", help="the path of a folder, as commerce/returns")
        give.add_argument("role", choices=list(_ROLES))

    def handle(self, **options: Any) -> None:
        if options["what"] == "list":
            self._list()
            return
        holder = rights.holder_named(options["holder"])
        if holder is None:
            raise CommandError(f"There is no group or active user called {options['holder']}.")
        role = _ROLES[options["role"]] if options["what"] == "give" else None
        actor = Actor(user_id=None, name=getpass.getuser(), source="command line")
        try:
            self.stdout.write(rights.apply(actor, holder, _place(options), role))
        except CommandRefused as refused:
            raise CommandError(str(refused)) from None

    def _list(self) -> None:
        ways = folder_paths()
        for grant in Grant.objects.select_related("user", "group", "flow", "folder"):
            holder = f"group:{grant.group}" if grant.group else f"user:{grant.user}"
            place = "whole site"
            if grant.flow:
                place = f"flow {grant.flow}"
            elif grant.folder_id:
                place = f"folder {ways[grant.folder_id][-1]}"
            self.stdout.write(f"{holder}\t{Role(grant.role).name.lower()}\t{place}")


def _place(options: dict[str, Any]) -> Place:
    if options["flow"]:
        flow = Flow.objects.filter(name=options["flow"]).first()
        if flow is None:
            raise CommandError(f"There is no flow called {options['flow']}.")
        return flow
    if options["folder"]:
        folder = folder_at(options["folder"])
        if folder is None:
            raise CommandError(f"There is no folder {options['folder']}.")
        return folder
    return None
