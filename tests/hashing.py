"""Passwords in tests: as the product keeps them, without what makes them slow to guess."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """The product's first hasher with one round."""

    iterations = 1
