"""Commands on many executions, in the background: jobs, what they are for, and how they run."""
