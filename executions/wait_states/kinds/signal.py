"""A signal. Sending one, which waits for nothing, is done here too."""

from collections.abc import Mapping
from typing import Any

from executions.states import Reason
from executions.wait_states.shared_data import SharedDataWait
from flows.blocks.shared_data import AwaitSignal, SignalRequest


class SignalArrival(SharedDataWait[SignalRequest]):
    request = SignalRequest
    name = "signal"
    reason = Reason.SIGNAL

    def waits_of(self, request: SignalRequest) -> dict[str, Any]:
        assert isinstance(request, AwaitSignal)
        return {"name": request.name, "key": request.key}

    def text(self, waits: Mapping[str, Any]) -> str:
        name, key = waits["name"], waits["key"]
        return f"{name}, key {key}" if key else str(name)


WAIT_STATE = SignalArrival()
