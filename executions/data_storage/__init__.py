"""Data Storage as people see and change it."""
