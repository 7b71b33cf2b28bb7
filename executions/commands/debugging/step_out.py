"""Step out: run on until the token has left the workspace that it is in."""

from executions.commands.lifecycle.resuming import resumed
from executions.commands.request import Done, Order, Refused
from executions.models import Execution, Token
from executions.states import APPLIES
from executions.store.debug import debugging


def execute(order: Order) -> Done | None:
    key = order.execution.pk
    done = resumed(debugging.run_out(key))
    if done is None and Token.objects.filter(execution_id=key).count() < 2:
        status = Execution.objects.values_list("status", flat=True).get(pk=key)
        if status in APPLIES["step-out"]:
            raise Refused("It is in the top-level workspace, which nothing encloses: continue it.")
    return done
