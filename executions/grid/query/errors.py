"""What is wrong with a value of a filter."""


class InvalidValue(ValueError):
    """A value that means nothing. The message says what is wrong and what to write."""
