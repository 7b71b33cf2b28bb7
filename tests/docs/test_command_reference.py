"""docs/commands.md tells what the declarations of the commands say."""

from django.conf import settings

from executions.commands.reference import markdown


def test_the_published_reference_is_the_generated_one() -> None:
    """After a change of a command: `manage.py command_reference --write`."""
    assert (settings.BASE_DIR / "docs" / "commands.md").read_text() == markdown()
