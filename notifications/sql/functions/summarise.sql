-- Make a delivery part of its user's open summary, a delivery of its own that is created if there is none. It is due in
-- ten minutes, but no sooner than an hour after the previous one. Called by notifications_admit, which holds the lock.
CREATE OR REPLACE FUNCTION notifications_summarise(
    delivery_id bigint, recipient accounts_user, at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    open_summary_id bigint;
BEGIN
    INSERT INTO notifications_delivery (kind, about, user_id, address, name, next_attempt_at)
        SELECT
            'ticket-summary', 'summary/from/' || delivery_id, recipient.id, recipient.email, recipient.name,
            greatest(at + interval '10 minutes', max(previous.admitted_at) + interval '1 hour')
        FROM notifications_received(recipient.email, at - interval '1 hour') AS previous
        WHERE previous.kind = 'ticket-summary'
        ON CONFLICT (user_id) WHERE kind = 'ticket-summary' AND state = 'pending' AND admitted_at IS NULL DO NOTHING;
    SELECT id INTO STRICT open_summary_id FROM notifications_delivery
        WHERE user_id = recipient.id AND kind = 'ticket-summary' AND state = 'pending' AND admitted_at IS NULL;
    UPDATE notifications_delivery SET state = 'summarised', summary_id = open_summary_id WHERE id = delivery_id;
END $$;
