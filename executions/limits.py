"""Every limit of running executions, in one place."""

import os

from flows import values

#: How long a claim lasts without a checkpoint; then another worker may take over.
LEASE_SECONDS = float(os.environ.get("LEASE_SECONDS", "15"))
#: Executions of one person, and of one flow, that may hold a worker at once; 0 for no limit. A flow
#: may have a limit of its own.
WORKERS_PER_PERSON = int(os.environ.get("WORKERS_PER_PERSON", "0"))
WORKERS_PER_FLOW = int(os.environ.get("WORKERS_PER_FLOW", "0"))
#: How long an execution keeps a worker while others wait in the queue. An execution that holds much
#: data keeps it for so many times as long as it took to load, up to the maximum.
TIME_SLICE_SECONDS = 0.25
TIME_SLICE_LOADS = 20
MAX_TIME_SLICE_SECONDS = 3.0
#: Time between two checkpoints of an execution that runs pure blocks.
CHECKPOINT_SECONDS = 0.1
#: Blocks between two checkpoints, so that a batch of steps stays small.
CHECKPOINT_BLOCKS = 2000
#: Steps of an execution that are always kept: its first, and its last. Steps between these are
#: trimmed `TRIM_BATCH` at a time. A fast loop writes fewer steps when fewer last ones are kept than
#: a batch has (`CHECKPOINT_BLOCKS`). Pages compute from these numbers which steps an execution
#: lacks (`executions.retention.trimming`), so changing one needs a migration of what is stored.
FIRST_STEPS_KEPT = 9000
LAST_STEPS_KEPT = 1000
TRIM_BATCH = 1000
#: Length of a changed value that a step keeps inline; longer ones are stored by reference.
INLINE_CHANGE_CHARACTERS = 1000
#: Size of the large changed values between two checkpoints, after which only the first one of each
#: block is still stored: a loop that adds to a long list stores some of its versions, not all.
STORED_BYTES_PER_CHECKPOINT = 50_000
#: Size of the large changed values that the steps of one execution store.
MAX_STORED_BYTES = 50_000_000
#: How deep Run Flow may be nested.
MAX_DEPTH = 50
#: Children that one execution may start, awaited or not.
MAX_CHILDREN = int(os.environ.get("MAX_CHILDREN", "100000"))
#: Blocks that one execution may visit: an endless loop of pure blocks reaches this in half an hour
#: to an hour.
MAX_BLOCKS = int(os.environ.get("MAX_BLOCKS", "200000000"))
#: Size of one variable's value, and of all that one execution holds, about as they are stored.
MAX_VARIABLE_BYTES = int(os.environ.get("MAX_VARIABLE_BYTES", "20000000"))
MAX_VARIABLES_BYTES = int(os.environ.get("MAX_VARIABLES_BYTES", "80000000"))
#: How deep lists and structures may be nested in a value.
MAX_VALUE_DEPTH = values.LEVELS
#: How long a block without an effect may take, with its expressions: less than `LEASE_SECONDS`,
#: after which another worker would take it for dead.
BLOCK_SECONDS = min(float(os.environ.get("BLOCK_SECONDS", "10")), LEASE_SECONDS * 2 / 3)
#: How long an effect may take; HTTP requests have a shorter limit of their own.
EFFECT_SECONDS = float(os.environ.get("EFFECT_SECONDS", "60"))
#: How long a block has to stop by itself when its time is over, before its process is killed.
GRACE_SECONDS = 2.0
#: Processes of workers that may die at the same visit of a block; then it throws.
MAX_WORKER_DEATHS = 4
#: Memory that a worker's process may take for its data (Linux); 0 for no limit.
WORKER_MEMORY_BYTES = int(os.environ.get("WORKER_MEMORY_BYTES", "2000000000"))
#: Rows, and bytes of these, that one Execute Data Command may give.
SQL_ROWS = 100_000
SQL_BYTES = MAX_VARIABLE_BYTES
#: How long an HTTP request may take, in seconds.
HTTP_TIMEOUT = 30.0
#: Size of an HTTP response's body that is read.
HTTP_BODY_BYTES = 10_000_000
#: How long one mail or SSH session may take, in seconds.
SESSION_TIMEOUT = 45.0
#: Sessions with servers that one execution may leave open between blocks, and for how long after
#: the last use they keep its worker from taking others.
OPEN_SESSIONS = 10
SESSION_HOLDS_WORKER_SECONDS = 60.0
#: Size of a message that is sent by mail with its attachments, and of all that one block reads.
MAIL_BYTES = 25_000_000
#: Characters that a shell may write for one command.
SHELL_CHARACTERS = 1_000_000
#: Size of a text file that a block reads.
TEXT_FILE_BYTES = 16_000_000
#: Files and folders in a folder that a block lists, copies or moves, and how deep they may lie.
FOLDER_ENTRIES = 100_000
FOLDER_LEVELS = 200
#: Size of the files of all flows together; 0 for no limit.
FILES_BYTES = int(os.environ.get("FILES_BYTES", "1000000000"))
#: Size of Data Storage in the database; 0 for no limit.
DATA_STORAGE_BYTES = int(os.environ.get("DATA_STORAGE_BYTES", "10000000000"))
#: Days that a signal is kept that no execution takes.
SIGNALS_KEPT_DAYS = int(os.environ.get("SIGNALS_KEPT_DAYS", "30"))
#: Time after which the message of a Queued execution counts as lost and is sent again.
REQUEUE_SECONDS = float(os.environ.get("REQUEUE_SECONDS", "10"))
#: Rows that one round of recovery looks at.
RECOVERY_BATCH = 1000
#: Length of one round of retention, which comes once a minute.
RETENTION_SECONDS = 5.0
#: Root executions that one transaction of retention looks at; executions and steps that it deletes.
RETENTION_ROOTS = 200
RETENTION_BATCH = 500
RETENTION_STEPS = 50_000
#: Entries of the audit trail that are deleted in one transaction.
AUDIT_BATCH = 5000
#: Events of the journal of statistics that one transaction adds to the totals, and how long one
#: round of that takes at most; a round begins each second.
STATISTICS_BATCH = 10_000
STATISTICS_SECONDS = 5.0
#: How long there is a total for each minute, and then for each quarter of an hour; later for each
#: day of UTC.
STATISTICS_MINUTES_DAYS = 3
STATISTICS_QUARTERS_DAYS = 400
#: How long there is a sample of what is under way for each minute, and then for each quarter of an
#: hour.
SAMPLE_MINUTES_DAYS = 2
SAMPLE_QUARTERS_DAYS = 62
#: Executions of one family that the command Delete deletes; it does so in one transaction.
DELETED_FAMILY = 10_000
#: How long the holder of a debugging session has to answer a request for it, and how long they may
#: have no page of the execution open before they count as having left.
DEBUG_TRANSFER_ANSWER_SECONDS = 20.0
DEBUG_TRANSFER_AWAY_SECONDS = 120.0
#: Seconds without a heartbeat after which a worker counts as gone, and after which nobody speaks of
#: it any more.
WORKER_HEARTBEAT_TIMEOUT = 15
WORKER_FORGOTTEN_AFTER = 86_400
#: Seconds without work from the scheduler, which has some every second, after which it counts as
#: gone.
SCHEDULER_SILENT_AFTER = 30
#: How long a bulk job keeps a worker's process at a time, and executions that one of its
#: transactions commands.
BULK_SLICE_SECONDS = 1.0
BULK_BATCH = 200
#: Seconds for which a worker waits for what a paced job has started, before it leaves the job, and
#: until one comes back to it.
BULK_IDLE_SECONDS = 0.3
BULK_PARK_SECONDS = 1.0
#: Times in a row that a batch of a bulk job may raise, or kill its worker; then the job has failed.
MAX_BULK_FAILURES = 5
#: Executions that a command may name; more are commanded by a filter.
MAX_SELECTED = 5_000
#: Executions up to which those that a bulk command is for are counted.
BULK_COUNT_LIMIT = 100_000
#: Seconds between two evaluations of the alert rules, and what a statement of them takes at most.
ALERT_EVALUATED_EVERY = 10.0
ALERT_STATEMENT_SECONDS = 5
#: How long what a rule has found has to be gone until the alert is over: what comes and goes is one
#: alert. And how long after a message another one says that there is more of it.
ALERT_CLOSES_AFTER = 120
ALERT_SPREADS_AFTER = 300
#: Rules that may exist, and days that alerts that are over and their deliveries are kept.
MAX_ALERT_RULES = 500
ALERTS_KEPT_DAYS = 90
#: How long an attempt at a delivery may take, and how long until another worker tries it.
DELIVERY_SECONDS = float(os.environ.get("DELIVERY_SECONDS", "10"))
DELIVERY_LEASE_SECONDS = 3 * DELIVERY_SECONDS
#: Seconds until a failed delivery is tried again: doubled each time, up to the maximum.
DELIVERY_RETRY_SECONDS = float(os.environ.get("DELIVERY_RETRY_SECONDS", "10"))
MAX_DELIVERY_RETRY_SECONDS = 3600.0
#: When a delivery is given up.
DELIVERY_GIVEN_UP_AFTER = 86_400
MAX_DELIVERY_ATTEMPTS = 20
#: How long a task delivers to one destination at a time.
DELIVERY_SLICE_SECONDS = 15.0
#: How long the secret of a webhook that was replaced still signs.
OLD_SECRET_SECONDS = 86_400
#: Schedules that one transaction starts, and how long one round of that takes at most; a round
#: begins each second.
SCHEDULE_BATCH = 200
SCHEDULE_SLICE_SECONDS = 5.0
#: How late a start still counts as on time.
SCHEDULE_ON_TIME_SECONDS = 60
#: Missed times of a schedule up to which they are counted.
SCHEDULE_MISSED_COUNTED = 1_000
#: Days that is kept what became of the times of schedules, and schedules that may exist.
SCHEDULE_RUNS_KEPT_DAYS = 90
MAX_SCHEDULES = 20_000
#: Bytes of the body of a request to a webhook, and up to which it is kept.
WEBHOOK_BYTES = 1_000_000
WEBHOOK_BYTES_KEPT = 100_000
#: Characters of a header that is kept, and how many headers are.
WEBHOOK_HEADER_KEPT = 1_000
WEBHOOK_HEADERS_KEPT = 60
#: How many requests to a webhook are kept, the newest ones, and for how many days.
WEBHOOK_REQUESTS_KEPT = 50
WEBHOOK_DAYS_KEPT = 30
#: How long a message to a webhook is known again. Signatures with a time are good for less.
WEBHOOK_MESSAGE_SECONDS = 7 * 86_400
#: How long an answer with outputs may wait, and the most requests a minute that a webhook may take.
LONGEST_WEBHOOK_WAIT = 60
MOST_WEBHOOK_REQUESTS_A_MINUTE = 6_000
#: Refused requests to a webhook a minute of which each is kept; others are counted only.
WEBHOOK_REFUSALS_A_MINUTE = 30
#: The most characters of an expression of a webhook or a chain.
LONGEST_EXPRESSION = 4_000
#: Webhooks and chains that may exist.
MAX_WEBHOOKS = 2_000
MAX_CHAINS = 2_000
#: How many executions may be started one by the end of the other.
LONGEST_CHAIN = 50
#: For how long a process remembers which flows have chains; a new one counts after that.
CHAINS_REMEMBERED_SECONDS = 1.0
#: Ends that a task takes at a time, and after how many seconds a lost message is sent again.
CHAIN_BATCH = 100
CHAIN_LOST_AFTER = 5
