"""The HTTP API as one application: its routers, who asks, how often, and its document."""
