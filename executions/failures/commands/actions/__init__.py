"""The commands on failure groups, one a file."""
