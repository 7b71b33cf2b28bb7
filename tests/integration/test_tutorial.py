"""docs/tutorial.md does what it says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command

from executions.models import Execution, LogEntry
from executions.states import Status
from tests.servers import Process

TEXT = (settings.BASE_DIR / "docs" / "tutorial.md").read_text()
FIRST, ADDED = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.S))


def merged(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}


def imported(folder: Path, document: dict[str, Any]) -> None:
    file = folder / "order-total.yaml"
    file.write_text(yaml.safe_dump(document))
    call_command("import_flows", str(file), publish=True, verbosity=0)


def started(prices: str, capsys: pytest.CaptureFixture[str]) -> str:
    call_command("start_flow", "order-total", input=[f"Prices={prices}"], wait=60.0)
    return capsys.readouterr().out


def test_the_tutorial_does_what_it_says(
    worker: Process, beat: Process, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for said in ("'Prices=[20, 22]'", "'Prices=[1, \"free\"]'", '[1, "free", 2]'):
        assert said in TEXT
    imported(tmp_path, FIRST)
    assert "Total = 42.0" in started("[20, 22]", capsys)
    assert "unhandled exception" in started('[1, "free"]', capsys)
    imported(tmp_path, merged(FIRST, ADDED))
    assert "Total = 3.0" in started('[1, "free", 2]', capsys)
    last = Execution.objects.latest("started_at")
    assert (last.version_number, last.status, last.unhandled) == (2, Status.ENDED, False)
    assert LogEntry.objects.get(execution=last).severity == "Warning"
