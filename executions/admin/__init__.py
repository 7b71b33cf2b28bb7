"""The Django admin of executions, one file a subject.

Django imports this package; each file registers its models. Those with a composite primary key
cannot be registered: tokens, variables, steps and what is kept of them stand on the page of their
execution.
"""

import sys

from flows.discovery import modules

tuple(modules(sys.modules[__name__]))
