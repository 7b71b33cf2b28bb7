"""What goes wrong with expressions."""


class ExpressionError(Exception):
    """An expression that does not compile, or that failed when it was evaluated."""


class TaskStateNeeded(ExpressionError):
    """An expression reads the state of tasks (`ids`), which is not in memory."""

    def __init__(self, ids: tuple[str, ...]) -> None:
        super().__init__("the state of a task is not known here.")
        self.ids = ids
