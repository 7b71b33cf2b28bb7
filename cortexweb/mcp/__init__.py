"""MCP: tools with which language models ask and command, by the HTTP API (docs/mcp.md)."""
