"""What belongs to a published version can't be changed, and rows stay where they belong.

Triggers, so that it holds for every way into the database. Who changes a draft's rows keeps its
version from being published meanwhile (FOR SHARE).
"""

from django.db import migrations

GUARDS = """
CREATE FUNCTION flows_refuse_published(wanted bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    version flows_flowversion;
BEGIN
    SELECT * INTO version FROM flows_flowversion WHERE id = wanted FOR SHARE;
    IF version.published_at IS NOT NULL THEN
        RAISE EXCEPTION '% v% is published and cannot be changed; edit a draft instead',
            (SELECT name FROM flows_flow WHERE id = version.flow_id), version.number
            USING ERRCODE = 'restrict_violation';
    END IF;
END $$;

CREATE FUNCTION flows_version_of(kind text, part jsonb) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE kind
        WHEN 'flows_variable' THEN
            (SELECT version_id FROM flows_workspace WHERE id = (part ->> 'workspace_id')::bigint)
        WHEN 'flows_connection' THEN
            (SELECT version_id FROM flows_block WHERE id = (part ->> 'source_id')::bigint)
        ELSE (part ->> 'version_id')::bigint
    END
$$;

CREATE FUNCTION flows_part_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM flows_refuse_published(flows_version_of(TG_TABLE_NAME, to_jsonb(OLD)));
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM flows_refuse_published(flows_version_of(TG_TABLE_NAME, to_jsonb(NEW)));
        RETURN NEW;
    END IF;
    RETURN OLD;
END $$;

CREATE FUNCTION flows_version_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NOT NULL THEN
        IF TG_OP = 'UPDATE' AND NEW.published_by_id IS NULL THEN
            -- The user who published it may be deleted.
            OLD.published_by_id := NULL;
            IF OLD = NEW THEN
                RETURN NEW;
            END IF;
        END IF;
        PERFORM flows_refuse_published(OLD.id);
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION flows_place_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'flows_connection' THEN
        IF (SELECT workspace_id FROM flows_block WHERE id = NEW.source_id)
            IS DISTINCT FROM (SELECT workspace_id FROM flows_block WHERE id = NEW.target_id) THEN
            RAISE EXCEPTION 'a connection must lead to a block of the same workspace'
                USING ERRCODE = 'check_violation';
        END IF;
    ELSIF TG_TABLE_NAME = 'flows_block' THEN
        IF NEW.version_id IS DISTINCT FROM
            (SELECT version_id FROM flows_workspace WHERE id = NEW.workspace_id) THEN
            RAISE EXCEPTION 'a block must belong to the version of its workspace'
                USING ERRCODE = 'check_violation';
        ELSIF TG_OP = 'UPDATE' AND NEW.workspace_id <> OLD.workspace_id THEN
            RAISE EXCEPTION 'a block stays in its workspace' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.parent_id IS NOT NULL AND NEW.version_id IS DISTINCT FROM
        (SELECT version_id FROM flows_workspace WHERE id = NEW.parent_id) THEN
        RAISE EXCEPTION 'a workspace must belong to the version of its parent'
            USING ERRCODE = 'check_violation';
    ELSIF TG_OP = 'UPDATE' AND NEW.version_id <> OLD.version_id THEN
        RAISE EXCEPTION 'a workspace stays in its version' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER published_is_immutable BEFORE UPDATE OR DELETE ON flows_flowversion
    FOR EACH ROW EXECUTE FUNCTION flows_version_guard();
"""

ON_PARTS = """
CREATE TRIGGER published_is_immutable BEFORE INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION flows_part_guard();
"""

ON_PLACES = """
CREATE TRIGGER stays_in_place BEFORE INSERT OR UPDATE ON {table}
    FOR EACH ROW EXECUTE FUNCTION flows_place_guard();
"""

REVERSE = """
DROP FUNCTION flows_version_guard, flows_part_guard, flows_place_guard CASCADE;
DROP FUNCTION flows_version_of, flows_refuse_published;
"""

PARTS = ("flows_workspace", "flows_block", "flows_variable", "flows_connection")
PLACED = ("flows_workspace", "flows_block", "flows_connection")


class Migration(migrations.Migration):
    dependencies = [("flows", "0001_initial")]

    operations = [
        migrations.RunSQL(
            GUARDS
            + "".join(ON_PARTS.format(table=table) for table in PARTS)
            + "".join(ON_PLACES.format(table=table) for table in PLACED),
            REVERSE,
        ),
    ]
