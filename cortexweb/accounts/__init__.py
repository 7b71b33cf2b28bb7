"""Accounts: signing in, limits on password attempts, and changing one's password."""
