"""No folder lies in itself, and none too deep: a trigger, so that it holds for every way into the
database. Who moves a folder waits for others who do, since two moves can make a circle together."""

from django.db import migrations

#: `Folder.MAX_DEPTH`.
MOST = 8

GUARD = """
CREATE FUNCTION flows_folder_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    above bigint := NEW.parent_id;
    depth integer := 0;
    height integer;
BEGIN
    PERFORM pg_advisory_xact_lock('flows_folder'::regclass::oid::bigint);
    WHILE above IS NOT NULL LOOP
        depth := depth + 1;
        IF above = NEW.id OR depth > {most} THEN
            RAISE EXCEPTION 'a folder lies neither in itself nor deeper than {most}'
                USING ERRCODE = 'check_violation';
        END IF;
        SELECT parent_id INTO above FROM flows_folder WHERE id = above;
    END LOOP;
    WITH RECURSIVE below AS (
        SELECT NEW.id AS id, 1 AS level
        UNION ALL
        SELECT f.id, below.level + 1 FROM flows_folder f JOIN below ON f.parent_id = below.id
        WHERE below.level <= {most}
    )
    SELECT max(level) INTO height FROM below;
    IF depth + height > {most} THEN
        RAISE EXCEPTION 'a folder lies neither in itself nor deeper than {most}'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER folders_hold_no_circle BEFORE INSERT OR UPDATE OF parent_id ON flows_folder
    FOR EACH ROW EXECUTE FUNCTION flows_folder_guard();
"""

REVERSE = "DROP FUNCTION flows_folder_guard CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("flows", "0008_folders_and_labels")]

    operations = [migrations.RunSQL(GUARD.format(most=MOST), REVERSE)]
