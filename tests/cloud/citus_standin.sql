-- The functions and catalogs of Citus that we call, as a schema of a plain PostgreSQL. They spread
-- nothing; they note what was asked and refuse what Citus refuses.
CREATE SCHEMA citus_standin;
SET search_path = public, citus_standin;
CREATE TABLE citus_standin.calls (no serial PRIMARY KEY, said text NOT NULL);
CREATE TABLE citus_standin.pg_dist_partition (logicalrelid regclass PRIMARY KEY);
CREATE TABLE citus_standin.pg_dist_node (groupid int NOT NULL);
CREATE TABLE citus_standin.pg_dist_transaction (groupid int NOT NULL, gid text NOT NULL);
CREATE TABLE citus_standin.prepared_on_workers (gid text NOT NULL);

CREATE FUNCTION citus_standin.check_local(whose regclass, wanted text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE faulty text;
BEGIN
    IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = whose) THEN
        RAISE EXCEPTION 'table % is already distributed', whose;
    END IF;
    SELECT conname INTO faulty FROM pg_constraint
    WHERE contype = 'f' AND (conrelid = whose OR confrelid = whose) LIMIT 1;
    IF faulty IS NOT NULL THEN
        RAISE EXCEPTION 'foreign key % leads to or from a local table', faulty;
    END IF;
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = whose AND NOT tgisinternal)
       AND coalesce(current_setting('citus.enable_unsafe_triggers', true), '') <> 'on' THEN
        RAISE EXCEPTION 'cannot distribute relation % because it has triggers', whose;
    END IF;
    SELECT i.indexrelid::regclass::text INTO faulty FROM pg_index i
    WHERE i.indrelid = whose AND i.indisunique AND wanted <> '' AND NOT EXISTS (
        SELECT FROM pg_attribute a
        WHERE a.attrelid = whose AND a.attname = wanted AND a.attnum = ANY (i.indkey)
    ) LIMIT 1;
    IF faulty IS NOT NULL THEN
        RAISE EXCEPTION 'unique index % does not contain %', faulty, wanted;
    END IF;
END $$;

CREATE FUNCTION citus_standin.create_reference_table(table_name regclass) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM check_local(table_name, '');
    INSERT INTO calls (said) VALUES (table_name || ' everywhere');
    INSERT INTO pg_dist_partition VALUES (table_name);
END $$;

CREATE FUNCTION citus_standin.create_distributed_table(
    table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash',
    colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM check_local(table_name, distribution_column);
    IF colocate_with <> 'none'
       AND NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = colocate_with::regclass) THEN
        RAISE EXCEPTION '% is not distributed', colocate_with;
    END IF;
    INSERT INTO calls (said)
    VALUES (table_name || ' by ' || distribution_column || ' with ' || colocate_with);
    INSERT INTO pg_dist_partition VALUES (table_name);
END $$;

CREATE FUNCTION citus_standin.run_command_on_workers(command text)
RETURNS TABLE (nodename text, nodeport int, success bool, result text)
LANGUAGE sql AS $$
    SELECT 'worker', 5432, true, coalesce(string_agg(gid, ' '), '') FROM prepared_on_workers
$$;

SET allow_system_table_mods = on;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
SELECT 999999, 'citus', 10, oid, false, '12.1-1' FROM pg_namespace WHERE nspname = 'citus_standin';
