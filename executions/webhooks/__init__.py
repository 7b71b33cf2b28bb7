"""Webhooks and chains: what starts executions by a request, or by the end of another execution
(docs/webhooks.md)."""
