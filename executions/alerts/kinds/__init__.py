"""The kinds of rules: each module ends with its declaration, and is found by itself."""
