"""Comment: write something about the group. `@name` mentions a user, who watches it from then on.

Field: `text`.
"""

import re
from typing import Any

from executions.commands.request import CommandRefused
from executions.failures import access, events
from executions.failures.commands.command import Done, FailureCommand, FailureRequest
from flows.values import storable

LONGEST = 4_000
#: Users whom one comment can mention.
MOST = 20
#: A name as Django allows it, after an @ that begins a word.
MENTION = re.compile(r"(?<![\w@])@([\w.+@-]+)")


def execute(request: FailureRequest) -> Done:
    text = storable(request.text("text"))
    if not text:
        raise CommandRefused("Write the comment first.")
    if len(text) > LONGEST:
        raise CommandRefused(
            f"A comment has {LONGEST:,} characters at most; this has {len(text):,}."
        )
    group = request.group
    names = list(dict.fromkeys(MENTION.findall(text)))[:MOST]
    found = {name: _named(request, name) for name in names}
    users = [user for user in found.values() if user is not None]
    unknown = [name for name, user in found.items() if user is None]
    if unknown:
        raise CommandRefused(
            f"There is no user {' or '.join(unknown)} who may see this failure. Correct the name, "
            "or leave out the @."
        )
    own = [request.actor.user_id] if request.actor.user_id else []
    events.watch(group, [*own, *(user.pk for user in users)])
    return Done(text, mentions=[user.get_username() for user in users])


def _named(request: FailureRequest, name: str) -> Any | None:
    """The user whom a mention means, also where a sentence ends with it."""
    for one in (name, name.rstrip(".")):
        if user := access.named(request.group, one):
            return user
    return None


COMMAND = FailureCommand(
    name="comment",
    summary="Write a comment. @ and a name tell a colleague.",
    icon="talk",
    execute=execute,
    is_change=False,
)
