-- Send no notifications for changes made in the rest of the transaction.
-- returns  muted text, 'on'
SELECT set_config('ticketing.quiet', 'on', true) AS muted;
