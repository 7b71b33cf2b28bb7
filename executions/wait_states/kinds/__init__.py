"""The wait states, one a module."""
