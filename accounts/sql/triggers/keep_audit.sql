-- BEFORE UPDATE OR DELETE ON accounts_auditentry, FOR EACH ROW.
-- The audit log only grows, except that accounts_purge_audit deletes what is older than 30 days.
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '30 days'
            AND current_setting('accounts.purges_audit', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'The audit log is append-only.';
END;
