"""The last administrator stays: a trigger, so that it holds for every way into the database, and
for two administrators who remove each other at the same time. It looks when a transaction ends, so
that one may be replaced by another."""

from django.conf import settings
from django.db import migrations

GUARD = """
CREATE FUNCTION flows_check_administrator() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever removes another one meanwhile waits, and then sees what became of this.
    PERFORM pg_advisory_xact_lock('flows_grant'::regclass::oid::bigint);
    IF NOT EXISTS (
        SELECT FROM auth_user
        WHERE is_active AND (
            is_superuser
            OR id IN (
                SELECT user_id FROM flows_grant
                WHERE role = 6 AND flow_id IS NULL AND folder_id IS NULL AND user_id IS NOT NULL
            )
            OR id IN (
                SELECT member.user_id FROM auth_user_groups member
                JOIN flows_grant held ON held.group_id = member.group_id
                WHERE held.role = 6 AND held.flow_id IS NULL AND held.folder_id IS NULL
            )
        )
    ) THEN
        RAISE EXCEPTION 'nobody would administer the site'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'last_administrator';
    END IF;
END $$;

CREATE FUNCTION flows_keep_administrator() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM flows_check_administrator();
    RETURN NULL;
END $$;

CREATE FUNCTION flows_keep_administrator_in_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM flows_grant
        WHERE group_id = OLD.group_id AND role = 6 AND flow_id IS NULL AND folder_id IS NULL
    ) THEN
        PERFORM flows_check_administrator();
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION flows_keep_administrator_active() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.is_superuser OR EXISTS (
        SELECT FROM flows_grant held
        WHERE role = 6 AND flow_id IS NULL AND folder_id IS NULL AND (
            user_id = OLD.id
            OR group_id IN (SELECT group_id FROM auth_user_groups WHERE user_id = OLD.id)
        )
    ) THEN
        PERFORM flows_check_administrator();
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER last_administrator_granted AFTER UPDATE OR DELETE ON flows_grant
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.role = 6 AND OLD.flow_id IS NULL AND OLD.folder_id IS NULL)
    EXECUTE FUNCTION flows_keep_administrator();
CREATE CONSTRAINT TRIGGER last_administrator_in_group AFTER UPDATE OR DELETE ON auth_user_groups
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION flows_keep_administrator_in_group();
CREATE CONSTRAINT TRIGGER last_administrator_active AFTER UPDATE ON auth_user
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.is_active AND (NOT NEW.is_active OR (OLD.is_superuser AND NOT NEW.is_superuser)))
    EXECUTE FUNCTION flows_keep_administrator_active();
CREATE CONSTRAINT TRIGGER last_administrator_deleted AFTER DELETE ON auth_user
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.is_active AND OLD.is_superuser)
    EXECUTE FUNCTION flows_keep_administrator();
"""

REVERSE = """
DROP FUNCTION flows_keep_administrator, flows_keep_administrator_in_group,
    flows_keep_administrator_active CASCADE;
DROP FUNCTION flows_check_administrator;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("flows", "0011_grants"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunSQL(GUARD, REVERSE)]
