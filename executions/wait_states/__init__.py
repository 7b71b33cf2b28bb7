"""Wait states: what an execution waits for without a worker, and how it goes on.

Each module of `kinds` declares one, as `WAIT_STATE`.
"""
