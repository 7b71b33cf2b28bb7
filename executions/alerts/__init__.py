"""Alerts: rules that are evaluated again and again, and the messages about what they find."""
