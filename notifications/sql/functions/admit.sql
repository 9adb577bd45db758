-- Decide whether mail about a ticket is sent now, and return that; other mail always is. At most `most_received` messages
-- an hour go to one address, reminders of deadlines counted apart, and at most `most_caused` from changes of one customer
-- to others. Beyond that, the message becomes part of the recipient's open summary, which is due in ten minutes but no
-- sooner than an hour after the previous one.
-- Attempts to send the summary close it, so that no message is added that it does not list.
-- Call this in a transaction of its own: its locks, always taken in this order, let workers decide one after another.
CREATE OR REPLACE FUNCTION notifications_admit(
    delivery_id bigint, at timestamptz, most_caused int, most_received int
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    hour_ago timestamptz := at - interval '1 hour';
    delivery notifications_delivery;
    recipient accounts_user;
    customer_id bigint;
    reminders text[] := ARRAY['sla-at-risk', 'sla-breached'];
    open_summary_id bigint;
BEGIN
    SELECT * INTO delivery FROM notifications_delivery WHERE id = delivery_id;
    SELECT * INTO recipient FROM accounts_user WHERE id = delivery.user_id AND is_active;
    IF recipient.id IS NULL OR delivery.ticket_id IS NULL AND delivery.kind <> 'ticket-summary' THEN
        RETURN true;
    END IF;
    SELECT id INTO customer_id FROM accounts_user
        WHERE id = delivery.caused_by_id AND id <> recipient.id AND type = 'customer';
    IF customer_id IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('mail caused by ' || customer_id, 0));
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('mail to ' || upper(recipient.email), 0));
    -- Another worker may have decided in the meantime.
    SELECT * INTO delivery FROM notifications_delivery WHERE id = delivery_id AND state = 'pending';
    IF delivery.id IS NULL OR delivery.admitted_at > hour_ago THEN
        RETURN true;
    END IF;
    IF delivery.kind = 'ticket-summary' OR (
        (
            SELECT count(*) FROM notifications_delivery AS other
            WHERE upper(other.address) = upper(recipient.email)
                AND other.admitted_at > hour_ago
                AND other.ticket_id IS NOT NULL
                AND (other.kind = ANY(reminders)) = (delivery.kind = ANY(reminders))
        ) < most_received
        AND (
            customer_id IS NULL
            OR (
                SELECT count(*) FROM notifications_delivery AS other
                WHERE other.caused_by_id = customer_id
                    AND other.admitted_at > hour_ago
                    AND other.user_id IS DISTINCT FROM customer_id
            ) < most_caused
        )
    ) THEN
        UPDATE notifications_delivery
            SET admitted_at = at, address = recipient.email, name = recipient.name
            WHERE id = delivery_id;
        RETURN true;
    END IF;
    INSERT INTO notifications_delivery (kind, about, user_id, address, name, next_attempt_at)
        SELECT
            'ticket-summary', 'summary/from/' || delivery_id, recipient.id, recipient.email, recipient.name,
            greatest(at + interval '10 minutes', max(other.admitted_at) + interval '1 hour')
        FROM notifications_delivery AS other
        WHERE upper(other.address) = upper(recipient.email)
            AND other.admitted_at > hour_ago
            AND other.kind = 'ticket-summary'
        ON CONFLICT (user_id) WHERE kind = 'ticket-summary' AND state = 'pending' AND admitted_at IS NULL DO NOTHING;
    SELECT id INTO STRICT open_summary_id FROM notifications_delivery
        WHERE user_id = recipient.id AND kind = 'ticket-summary' AND state = 'pending' AND admitted_at IS NULL;
    UPDATE notifications_delivery SET state = 'summarised', summary_id = open_summary_id WHERE id = delivery_id;
    RETURN false;
END $$;
