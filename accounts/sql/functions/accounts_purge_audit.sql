-- Delete entries of the audit log that are older than this many days, and return their number. The only way to delete any:
-- see triggers/keep_audit.sql.
CREATE OR REPLACE FUNCTION accounts_purge_audit(keep_days int) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    deleted bigint;
BEGIN
    PERFORM set_config('accounts.purges_audit', 'on', true);
    DELETE FROM accounts_auditentry WHERE at < now() - make_interval(days => keep_days);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    PERFORM set_config('accounts.purges_audit', '', true);
    RETURN deleted;
END;
$$;
