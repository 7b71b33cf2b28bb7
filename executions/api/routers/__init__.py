"""The operations, one file a subject. A module declares its `ROUTER`, and the `PATH` below `/api`
at which it answers, without parameters; `cortexweb.api.application` finds it by itself."""
