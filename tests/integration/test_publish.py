"""Drafts, publishing, and the commands that import and export flow files."""

import io
import json
from pathlib import Path
from textwrap import dedent

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from flows import queries
from flows.files import canonical, digest, dump_yaml, parse, read
from flows.graph import InvalidFlow
from flows.models import Flow, FlowVersion
from flows.publish import DraftExists, new_draft, publish, save_draft

pytestmark = pytest.mark.django_db

EXAMPLES = settings.BASE_DIR / "flows" / "examples"

ORDERS = parse(
    dedent("""\
    flow: orders
    description: Count the orders
    variables:
      Orders: {type: List, input: true, default: []}
      Total: {output: true}
    notes:
      - {text: Read me first., at: [-220, 0], size: [180, 60]}
    blocks:
      start: {type: Start Flow, bottom: count}
      count:
        type: Workspace
        description: Count them
        variables: {Sum: {default: 0}}
        notes:
          - {text: "Two\n  lines", block: sum}
          - {text: About nothing}
        blocks:
          begin: {type: Start Workspace, bottom: sum}
          sum:
            type: Set Variable
            properties: {Value: =Orders.size() + Sum, Variable: ($)Total}
            position: [120, 80]
            bottom: done
          done: {type: End Workspace}
        bottom: end
      end: {type: End Flow}
    """)
).document


def changed(**keys: object) -> dict[str, object]:
    return canonical({**ORDERS, **keys})


def unfinished() -> dict[str, object]:
    blocks = {key: block for key, block in ORDERS["blocks"].items() if key != "start"}
    return changed(blocks=blocks)


# Drafts --------------------------------------------------------------------------------------


def test_a_document_comes_back_as_it_was_saved() -> None:
    version, was_changed = save_draft(ORDERS)
    assert was_changed
    assert queries.document(version) == ORDERS
    assert digest(queries.document(version)) == version.digest == digest(ORDERS)


def test_saving_the_same_document_again_changes_nothing() -> None:
    first, _ = save_draft(ORDERS)
    again, was_changed = save_draft(ORDERS)
    assert (again.pk, was_changed) == (first.pk, False)
    publish(first)
    assert save_draft(ORDERS) == (first, False)


def test_a_draft_is_replaced_and_a_published_version_followed() -> None:
    first, _ = save_draft(ORDERS)
    replaced, _ = save_draft(changed(description="Other"))
    assert (replaced.pk, replaced.number) == (first.pk, 1)
    publish(replaced)
    second, _ = save_draft(ORDERS)
    assert second.number == 2
    assert second.is_draft
    assert queries.document(replaced)["description"] == "Other"
    assert queries.document(second) == ORDERS


def test_a_draft_edited_elsewhere_is_not_taken_for_unchanged() -> None:
    draft, _ = save_draft(ORDERS)
    draft.blocks.filter(key="end").update(description="Done")
    assert save_draft(ORDERS).changed
    assert queries.document(draft) == ORDERS


def test_the_kind_of_a_flow_stays() -> None:
    save_draft(ORDERS)
    with pytest.raises(InvalidFlow, match="is activity, and cannot change"):
        save_draft(changed(kind="process"))


def test_reading_a_document_takes_few_queries() -> None:
    version, _ = save_draft(ORDERS)
    version = FlowVersion.objects.select_related("flow").get(pk=version.pk)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        queries.document(version)
    assert len(captured) == 4


# Publishing ----------------------------------------------------------------------------------


def test_publishing_is_final_and_remembers_who(admin_user: User) -> None:
    version = publish(save_draft(ORDERS).version, admin_user)
    assert version.published_at is not None
    assert version.published_by == admin_user
    assert publish(version).published_by == admin_user
    assert version.flow.description == "Count the orders"


def test_messages_stop_publishing() -> None:
    draft, _ = save_draft(unfinished())
    with pytest.raises(InvalidFlow) as caught:
        publish(draft)
    assert [m.summary for m in caught.value.messages] == ["There is no Start Flow."]
    draft.refresh_from_db()
    assert draft.is_draft


def test_a_published_version_can_be_copied_to_a_draft_once() -> None:
    first = publish(save_draft(ORDERS).version)
    draft = new_draft(first)
    assert (draft.number, draft.is_draft) == (2, True)
    assert queries.document(draft) == ORDERS
    with pytest.raises(DraftExists, match="There is already a draft, orders v2"):
        new_draft(first)


def test_latest_published_is_no_draft() -> None:
    assert queries.latest_published("orders") is None
    first, _ = save_draft(ORDERS)
    assert queries.latest_published("orders") is None
    publish(first)
    save_draft(changed(description="Other"))
    assert queries.latest_published("orders") == first


def test_graphs_of_published_versions_are_compiled_once() -> None:
    draft, _ = save_draft(ORDERS)
    assert queries.compiled(draft.pk) is not queries.compiled(draft.pk)
    publish(draft)
    graph = queries.compiled(draft.pk)
    with CaptureQueriesContext(connection) as captured:
        assert queries.compiled(draft.pk) is graph
    assert len(captured) == 0
    with pytest.raises(FlowVersion.DoesNotExist):
        queries.compiled(0)


# Commands ------------------------------------------------------------------------------------


def import_flows(*paths: Path, publish: bool = False) -> tuple[str, str, bool]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_flows", *map(str, paths), publish=publish, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), err.getvalue(), error.returncode != 1
    return out.getvalue(), err.getvalue(), True


def export_flow(*arguments: str) -> str:
    out = io.StringIO()
    call_command("export_flow", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.yaml"
    path.write_text(dump_yaml(ORDERS))
    return path


def test_the_examples_are_imported_published_and_exported_again() -> None:
    out, err, succeeded = import_flows(EXAMPLES, publish=True)
    assert (err, succeeded) == ("", True)
    for path in sorted(EXAMPLES.glob("*.yaml")):
        assert f"{path.stem}: imported v1\n" in out
        document = read(path).document
        assert parse(export_flow(path.stem)).document == document
        assert parse(export_flow(path.stem, "--json"), "a.json").document == document
        assert queries.compiled(FlowVersion.objects.get(flow__name=path.stem).pk).name == path.stem
    assert import_flows(EXAMPLES, publish=True)[0].count(": unchanged\n") == len(out.splitlines())


def test_each_outcome_has_its_line(orders: Path) -> None:
    assert import_flows(orders)[0] == "orders: imported v1 (draft)\n"
    assert import_flows(orders)[0] == "orders: unchanged\n"
    assert import_flows(orders, publish=True)[0] == "orders: published v1\n"
    orders.write_text(dump_yaml(changed(description="Other")))
    assert import_flows(orders, publish=True)[0] == "orders: imported v2\n"
    assert export_flow("orders", "--version", "1") == dump_yaml(ORDERS)
    assert json.loads(export_flow("orders", "--json"))["description"] == "Other"


def test_a_flow_fails_whole_and_the_others_are_imported(orders: Path, tmp_path: Path) -> None:
    (tmp_path / "unfinished.yaml").write_text(dump_yaml({**unfinished(), "flow": "unfinished"}))
    (tmp_path / "broken.yaml").write_text("flow: broken\nblocks: {a: {type: End Flo}}\n")
    out, err, succeeded = import_flows(tmp_path, publish=True)
    assert not succeeded
    assert out == "orders: imported v1\n"
    assert err.startswith(
        f"broken: failed\n  {tmp_path}/broken.yaml:2: blocks.a.type: There is no block type "
        "'End Flo'; did you mean 'End Flow'?"
    )
    assert f"unfinished: failed\n  {tmp_path}/unfinished.yaml:" in err
    assert "There is no Start Flow." in err
    assert list(Flow.objects.values_list("name", flat=True)) == ["orders"]


def test_a_draft_says_what_keeps_it_from_being_published(tmp_path: Path) -> None:
    (tmp_path / "orders.yaml").write_text(dump_yaml(unfinished()))
    out, _, succeeded = import_flows(tmp_path)
    assert succeeded
    first, message = out.splitlines()
    assert first == "orders: imported v1 (draft)"
    assert message.startswith(f"  {tmp_path}/orders.yaml:")
    assert "There is no Start Flow." in message


def test_paths_without_flows(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no file or folder"):
        call_command("import_flows", str(tmp_path / "missing"))
    with pytest.raises(CommandError, match="can't be read: File name too long"):
        call_command("import_flows", "x" * 300)
    with pytest.raises(CommandError, match="There are no flow files in"):
        call_command("import_flows", str(tmp_path))


def test_exporting_what_is_not_there(orders: Path) -> None:
    with pytest.raises(CommandError, match="There is no flow orders"):
        export_flow("orders")
    import_flows(orders)
    with pytest.raises(CommandError, match="There is no v7 of the flow orders"):
        export_flow("orders", "--version", "7")


def test_flow_schema_prints_what_is_published() -> None:
    out = io.StringIO()
    call_command("flow_schema", stdout=out)
    assert out.getvalue() == (settings.BASE_DIR / "docs" / "flow.schema.json").read_text()
