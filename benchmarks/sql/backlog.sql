-- Make mail of earlier runs due again, as if it had never been sent, and give up all other mail.
-- params   number  int, of mails
UPDATE notifications_delivery SET state = 'failed' WHERE state = 'pending';
UPDATE notifications_delivery
SET state = 'pending', attempts = 0, sent_at = NULL, admitted_at = NULL, next_attempt_at = now()
WHERE id IN (SELECT id FROM notifications_delivery ORDER BY id LIMIT %(number)s);
