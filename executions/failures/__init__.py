"""Failure groups: what is counted of them, their states, and what people do about them."""
