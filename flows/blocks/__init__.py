"""The palettes: every block type there is. To add one, write it and name it here."""

from flows.blocks.base import Block
from flows.blocks.decisions.exits import (
    IfNullExitBottom,
    IfNullExitRight,
    IfTrueExitBottom,
    IfTrueExitRight,
)
from flows.blocks.exceptions.handlers import (
    HandleBlockException,
    HandleFlowException,
    HandleWorkspaceException,
)
from flows.blocks.exceptions.matching import (
    HandleBlockExceptionMatchingMessage,
    HandleBlockExceptionMatchingMessages,
    HandleBlockExceptionMatchingTypeName,
    HandleBlockExceptionMatchingTypeNames,
)
from flows.blocks.exceptions.throw import RethrowException, ThrowNewFlowException
from flows.blocks.files.text import ReadAllText, WriteAllText
from flows.blocks.flows.boundaries import EndFlow, StartFlow
from flows.blocks.flows.run_flow import RunFlow, RunFlowAsync
from flows.blocks.http.request import ExecuteHttpRequest
from flows.blocks.json.convert import ConvertJsonToObject, ConvertObjectToJson
from flows.blocks.lists.add_item import AddItemAtEnd
from flows.blocks.logs.log_event import LogEvent
from flows.blocks.loops.for_each import ForEachLoop
from flows.blocks.loops.for_loop import ForLoop
from flows.blocks.schedules.wait import WaitForDuration
from flows.blocks.tasks.cancel import CancelAllTasks, CancelTask
from flows.blocks.tasks.wait import WaitForAllTasks, WaitForTask
from flows.blocks.variables.set_variable import SetVariable
from flows.blocks.wireless.blocks import WirelessReceiver, WirelessSender
from flows.blocks.workspaces.workspace import EndWorkspace, StartWorkspace, Workspace

ALL: tuple[Block, ...] = (
    StartFlow(),
    EndFlow(),
    RunFlow(),
    RunFlowAsync(),
    WaitForTask(),
    WaitForAllTasks(),
    CancelTask(),
    CancelAllTasks(),
    Workspace(),
    StartWorkspace(),
    EndWorkspace(),
    WirelessSender(),
    WirelessReceiver(),
    SetVariable(),
    IfTrueExitRight(),
    IfTrueExitBottom(),
    IfNullExitRight(),
    IfNullExitBottom(),
    ForLoop(),
    ForEachLoop(),
    WaitForDuration(),
    LogEvent(),
    ExecuteHttpRequest(),
    ReadAllText(),
    WriteAllText(),
    ConvertJsonToObject(),
    ConvertObjectToJson(),
    AddItemAtEnd(),
    ThrowNewFlowException(),
    RethrowException(),
    HandleBlockException(),
    HandleBlockExceptionMatchingMessage(),
    HandleBlockExceptionMatchingMessages(),
    HandleBlockExceptionMatchingTypeName(),
    HandleBlockExceptionMatchingTypeNames(),
    HandleWorkspaceException(),
    HandleFlowException(),
)

#: By case-folded name: flow files may write "Execute HTTP Request".
BY_TYPE: dict[str, Block] = {block.type.casefold(): block for block in ALL}
