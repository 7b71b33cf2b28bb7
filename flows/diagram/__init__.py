"""Workspaces as drawings. Pure: from a compiled flow to shapes, wires and places of tokens."""
