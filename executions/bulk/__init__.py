"""Bulk commands in the background: jobs, their targets, previews and batches."""
