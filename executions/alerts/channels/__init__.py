"""The ways by which messages go out: each module ends with a declaration, which is found."""
