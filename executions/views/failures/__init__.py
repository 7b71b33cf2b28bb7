"""The pages of failures: their list, and one group."""
