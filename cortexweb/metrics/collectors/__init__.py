"""What metrics are made of: each module here has a `collect` function that yields some of them.

Modules are found by themselves. One that fails costs its own metrics only.
"""
