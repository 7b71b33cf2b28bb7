"""Every limit of running executions, in one place."""

import os

from flows import values

#: Seconds that a claim lasts without a checkpoint; then another worker may take over.
LEASE = float(os.environ.get("LEASE_SECONDS", "15"))
#: How many executions of one person, and of one flow, may hold a worker at once; 0 for no limit. A
#: flow may have a limit of its own.
WORKERS_PER_PERSON = int(os.environ.get("WORKERS_PER_PERSON", "0"))
WORKERS_PER_FLOW = int(os.environ.get("WORKERS_PER_FLOW", "0"))
#: Seconds of one turn on a worker after which an execution goes back to the queue when others wait
#: there; or so many times as long as it took to load it, up to a limit, when it holds much.
TIME_SLICE = 0.25
TIME_SLICE_LOADS = 20
TIME_SLICE_MOST = 3.0
#: Seconds between two checkpoints of an execution that runs pure blocks.
CHECKPOINT = 0.1
#: Blocks between two checkpoints, so that a batch of steps stays small.
CHECKPOINT_BLOCKS = 2000
#: Steps of an execution that are kept for certain: its first, and its last. What lies between them
#: is dropped `STEPS_TRIMMED` at a time. Fewer last ones than a batch (`CHECKPOINT_BLOCKS`) spare
#: a fast loop the writing of the others. Pages follow from these what an execution lacks
#: (`executions.retention.trimming`), so a change of one comes with a migration of what is stored.
STEPS_FIRST = 9000
STEPS_LAST = 1000
STEPS_TRIMMED = 1000
#: Characters of a changed value that a step keeps inline; larger ones are stored by reference.
INLINE_CHANGE = 1000
#: Bytes of large changed values between two checkpoints, after which only the first one of each
#: block is still stored: a loop that adds to a long list stores some of its versions, not all.
STORED_CHANGES = 50_000
#: Bytes of large changed values that the steps of one execution store.
STORED_IN_ALL = 50_000_000
#: How deep Run Flow may nest.
DEPTH = 50
#: Children that one execution may start, awaited or not.
CHILDREN = int(os.environ.get("MAX_CHILDREN", "100000"))
#: Blocks that one execution may visit: a loop of pure blocks that never ends takes half an hour to
#: an hour for them.
BLOCKS = int(os.environ.get("MAX_BLOCKS", "200000000"))
#: Bytes of one variable's value, and of all that one execution holds, about as they are stored.
VARIABLE = int(os.environ.get("MAX_VARIABLE_BYTES", "20000000"))
VARIABLES = int(os.environ.get("MAX_VARIABLES_BYTES", "80000000"))
#: How deep lists and structures may be nested in a value.
VALUE_LEVELS = values.LEVELS
#: Seconds that a block without effect may take, with its expressions: less than `LEASE`, after
#: which another worker would take it for dead.
BLOCK_SECONDS = min(float(os.environ.get("BLOCK_SECONDS", "10")), LEASE * 2 / 3)
#: Seconds that an effect may take; HTTP requests have a shorter limit of their own.
EFFECT_SECONDS = float(os.environ.get("EFFECT_SECONDS", "60"))
#: Seconds that a block has to notice by itself that its time is over, before its process is ended.
GRACE = 2.0
#: Processes of workers that may die at the same visit of a block; then it throws.
WORKER_DEATHS = 4
#: Bytes of memory that a process of a worker may take for its data (Linux); 0 for no limit.
PROCESS_MEMORY = int(os.environ.get("WORKER_MEMORY_BYTES", "2000000000"))
#: Seconds that an HTTP request may take.
HTTP_TIMEOUT = 30.0
#: Bytes of an HTTP response's body that are read.
HTTP_BODY = 10_000_000
#: Bytes of a text file that Read All Text reads.
FILE_SIZE = 16_000_000
#: Bytes that the files of all flows may take together; 0 for no limit.
FILES_BYTES = int(os.environ.get("FILES_BYTES", "1000000000"))
#: Seconds after which a Queued execution's message counts as lost and is sent again.
REQUEUE_AFTER = float(os.environ.get("REQUEUE_SECONDS", "10"))
#: Rows that one round of recovery looks at.
RECOVERY_BATCH = 1000
#: Seconds of one round of retention, which comes once a minute.
RETENTION_TIME = 5.0
#: Root executions that one of its transactions looks at, executions and steps that it deletes.
RETENTION_ROOTS = 200
RETENTION_BATCH = 500
RETENTION_STEPS = 50_000
#: Seconds in which who debugs an execution may answer somebody who asks for it, and without a page
#: of it after which they count as having left.
CONTROL_ANSWER = 20.0
CONTROL_AWAY = 120.0
#: Seconds after which a worker that says nothing counts as gone.
WORKER_HEARD = 15
#: Seconds for which a bulk job keeps a worker's process at a time, and executions that one of its
#: transactions commands.
BULK_SLICE = 1.0
BULK_BATCH = 200
#: Times in a row that a batch of a bulk job may raise, or take its worker along, before the job has
#: failed.
BULK_FAILURES = 5
#: Executions that a command may name; more are commanded by a filter.
CHOSEN = 5_000
#: Executions up to which those to be commanded are counted.
BULK_COUNTED = 100_000
