-- Note a change in the inbox of the log, within the transaction that makes it. Called by triggers on the changed tables,
-- while the transaction holds the lock on the object's row. The actor and the door are those that history records.
CREATE OR REPLACE FUNCTION changes_note(
    type text, object_id bigint, action text, version bigint, detail_id bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    context jsonb := nullif(current_setting('pghistory.context_metadata', true), '');
BEGIN
    INSERT INTO changes_inbox (
        type, object_id, action, version, detail_id, at, by_id, door, is_quiet, transaction_id
    ) VALUES (
        type, object_id, action, version, detail_id,
        clock_timestamp(),
        (context ->> 'user')::bigint,
        coalesce(context ->> 'door', 'database'),
        coalesce(current_setting('ticketing.quiet', true), '') = 'on',
        txid_current()
    );
END $$;
