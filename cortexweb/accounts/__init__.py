"""Who is signed in, and how they get there."""
