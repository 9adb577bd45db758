-- Delete entries of the audit log that are older than this.
-- params   keep_days  int, at least 30
-- returns  one row: deleted bigint
-- index    audit_entry_at
SELECT accounts_purge_audit(%(keep_days)s::int) AS deleted;
