"""A database that took the steps has the names of one whose tables are made at once.

Renamed tables and columns left their former names in constraints, and a function that nothing calls
any more was left. Each statement takes no time, whatever the table holds.
"""

from django.db import migrations

#: A table, the name of its constraint before, and the name of a new database. PostgreSQL has names
#: for NOT NULL from 18 on.
CONSTRAINTS = (
    ("bulkresult", "bulkrefusal_pkey", "bulkresult_pkey"),
    ("bulkresult", "bulkrefusal_id_not_null", "bulkresult_id_not_null"),
    ("bulkresult", "bulkrefusal_job_id_not_null", "bulkresult_job_id_not_null"),
    ("bulkresult", "bulkrefusal_flow_name_not_null", "bulkresult_flow_name_not_null"),
    ("bulkresult", "bulkrefusal_execution_id_not_null", "bulkresult_execution_id_not_null"),
    ("bulkresult", "bulkrefusal_reason_not_null", "bulkresult_detail_not_null"),
    (
        "bulkresult",
        "bulkrefusal_job_id_7582821d_fk_executions_bulkjob_id",
        "bulkresult_job_id_8fda5c10_fk_executions_bulkjob_id",
    ),
    ("watch", "watch_told_revision_not_null", "watch_read_revision_not_null"),
)
RENAME = """
DO $$ BEGIN
    IF EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = 'executions_{table}'::regclass AND conname = 'executions_{before}'
    ) THEN
        ALTER TABLE executions_{table} RENAME CONSTRAINT executions_{before} TO executions_{after};
    END IF;
END $$;
"""
LEFT = """
ALTER SEQUENCE IF EXISTS executions_bulkrefusal_id_seq RENAME TO executions_bulkresult_id_seq;
DROP FUNCTION IF EXISTS executions_lexemes(
    text, text, text, text, text, text, text, text, integer
);
"""


class Migration(migrations.Migration):
    dependencies = [("executions", "0046_audit_by_object_name")]

    operations = [
        migrations.RunSQL(
            LEFT
            + "".join(
                RENAME.format(table=table, before=before, after=after)
                for table, before, after in CONSTRAINTS
            ),
            migrations.RunSQL.noop,
        )
    ]
