"""Questions that flows ask people: who may see and answer them, and answering (docs/people.md)."""
