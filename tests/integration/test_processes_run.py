"""Which flows may run which: activities run activities, processes run both (semantics 66)."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from executions.models import Execution
from flows import queries
from flows.models import FlowVersion
from tests.driving import begin, drive, outputs
from tests.quick_yaml import write_yaml

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


def flow(folder: Path, name: str, kind: str, run: str = "", block: str = "Run Flow") -> FlowVersion:
    """A published flow of a kind, which may run another and keeps what that throws."""
    blocks: dict[str, Any] = {"a": {"type": "Start Flow", "bottom": "e"}, "e": {"type": "End Flow"}}
    if run:
        blocks["a"]["bottom"] = "run"
        blocks["run"] = {"type": block, "properties": {"Flow": run}, "bottom": "e"}
        blocks["run"]["exception"] = "h"
        properties = {"Exception": "($)Problem"}
        blocks["h"] = {"type": "Handle Block Exception", "properties": properties, "bottom": "e"}
    variables = {"Problem": {"output": True}, "Name": {"input": True, "default": "inner"}}
    document = {"flow": name, "kind": kind, "variables": variables, "blocks": blocks}
    path = folder / f"{name}.yaml"
    path.write_text(write_yaml(document))
    call_command("import_flows", str(path), publish=True, verbosity=0)
    version = queries.latest_published(name)
    assert version is not None
    return version


@pytest.mark.parametrize("block", ["Run Flow", "Run Flow Async"])
def test_an_activity_names_no_process(
    tmp_path: Path, block: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Semantics 66: told before it can be started."""
    flow(tmp_path, "inner", "process")
    with pytest.raises(CommandError):
        flow(tmp_path, "outer", "activity", "inner", block)
    said = capsys.readouterr().err
    assert "blocks.run.properties.Flow: 'inner' is a process" in said
    assert queries.latest_published("outer") is None


@pytest.mark.parametrize("block", ["Run Flow", "Run Flow Async"])
@pytest.mark.parametrize(
    ("outer", "inner", "runs"),
    [
        ("activity", "activity", True),
        ("activity", "process", False),
        ("process", "activity", True),
        ("process", "process", True),
    ],
)
def test_an_activity_runs_no_process(
    tmp_path: Path, outer: str, inner: str, runs: bool, block: str
) -> None:
    """Semantics 66: also where only the run knows which flow it is."""
    flow(tmp_path, "inner", inner)
    execution = begin(flow(tmp_path, "outer", outer, "=Name", block))
    drive(execution.pk)
    problem = outputs(execution)["Problem"]
    assert Execution.objects.filter(parent=execution).exists() is runs
    assert (problem is None) is runs
    assert runs or problem.short_type == "ProcessInActivityException"
