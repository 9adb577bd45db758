-- Move up to `number` committed changes from the inbox to the log and give them the next positions. Return how many rows of
-- the inbox it took: as many as `number` if there may be more.
--
-- Only one transaction at a time does this, until it commits, so a reader never sees a position before all smaller ones.
-- What is still uncommitted gets a later position. Readers call this too, so the log needs no worker. Not for use in a
-- transaction with a snapshot of its own (REPEATABLE READ), which would not see what others have moved.
--
-- PostgreSQL's statistics may promise rows that were deleted long ago. Without the settings below, it would therefore scan
-- the whole inbox, with the remains of deleted rows, to find that there is nothing new.
CREATE OR REPLACE FUNCTION changes_sequence(
    number int
) RETURNS int LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    log changes_log;
    is_settled boolean;
    may_settle boolean := pg_current_xact_id_if_assigned() IS NULL;
    last_id bigint;
    taken int;
    added int;
BEGIN
    PERFORM FROM changes_inbox WHERE id > (SELECT settled_id FROM changes_log) LIMIT 1;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    -- Wait, because what this call's caller has committed may be too late for the one that holds the lock.
    PERFORM pg_advisory_xact_lock('changes_log'::regclass::oid::int, 0);
    SELECT * INTO log FROM changes_log;
    log.sequenced_at := greatest(log.sequenced_at, clock_timestamp());
    is_settled := pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= log.settling_transaction;
    -- The transactions that have drawn these ids had a number by then. Ours has none yet, so it will get a higher one.
    SELECT last_value INTO last_id FROM changes_inbox_id_seq;
    WITH noted AS (
        DELETE FROM changes_inbox
        WHERE id = ANY(ARRAY(SELECT id FROM changes_inbox WHERE id > log.settled_id ORDER BY id LIMIT number))
        RETURNING *
    ), last AS (
        SELECT DISTINCT ON (type, object_id, action, detail_id, transaction_id) *
        FROM noted
        ORDER BY type, object_id, action, detail_id, transaction_id, id DESC
    ), logged AS (
        INSERT INTO changes_change (
            position, type, object_id, action, version, detail_id, at, by_id, door, is_quiet
        )
        SELECT
            log.position + row_number() OVER (ORDER BY id),
            type, object_id, action, version, detail_id, at, by_id, door, is_quiet
        FROM last
        RETURNING type, object_id
    ), active AS (
        INSERT INTO activity_activity (type, object_id, at)
        SELECT DISTINCT type, object_id, log.sequenced_at FROM logged
        ON CONFLICT (type, object_id) DO UPDATE SET at = EXCLUDED.at
    )
    SELECT (SELECT count(*) FROM noted), (SELECT count(*) FROM logged) INTO taken, added;
    log.position := log.position + added;
    IF taken < number AND is_settled AND may_settle THEN
        log.settled_id := log.settling_id;
        log.settling_id := last_id;
        log.settling_transaction := pg_current_xact_id()::text::bigint;
    END IF;
    UPDATE changes_log SET
        position = log.position,
        sequenced_at = log.sequenced_at,
        settled_id = log.settled_id,
        settling_id = log.settling_id,
        settling_transaction = log.settling_transaction;
    RETURN taken;
END $$;
