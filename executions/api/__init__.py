"""The HTTP API: what a page can do, for programs. `cortexweb.api` puts it together."""
