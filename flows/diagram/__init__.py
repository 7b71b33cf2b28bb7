"""Draws workspaces. Pure: from a compiled flow to shapes, wires and places of tokens."""
