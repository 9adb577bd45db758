"""Limit the notices of changed addresses."""

from importlib import import_module

from django.db import migrations

sql_0007 = import_module("notifications.migrations.0007_mail_limits")

IS_OF_ESTABLISHED = r"""
-- Return whether a notice of a changed address goes to one that the account had for at least an hour. As an address
-- belongs to one account at a time, there is at most one such notice per hour to an address, and about an account.
CREATE OR REPLACE FUNCTION notifications_is_of_established(
    notice notifications_delivery
) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM accounts_user
        WHERE id = notice.user_id AND created_at <= notice.created_at - interval '1 hour'
    ) AND NOT EXISTS (
        SELECT FROM notifications_delivery AS other
        WHERE other.user_id = notice.user_id
            AND other.kind = 'address-changed'
            AND other.id < notice.id
            AND other.created_at > notice.created_at - interval '1 hour'
    )
$$;
"""

ADMIT = r"""
-- Decide whether a delivery is sent now, and return that. Limits per hour exist for mail about tickets, guests' mail, and
-- notices of changed addresses:
--   * most_received  about tickets to one address, with reminders of deadlines counted apart
--   * most_caused    about tickets from changes of one customer to others
--   * most_to_guest  to one guest's address; of notices, to one address and about one account
-- Beyond them, mail about tickets becomes part of a summary, and the rest is put off. Admitting a summary closes it,
-- so that no message is added that it does not list. Notices to an address that the account had for an hour are exempt.
-- Call this in a transaction of its own: its locks, always taken in this order, let workers decide one after another.
CREATE OR REPLACE FUNCTION notifications_admit(
    delivery_id bigint, at timestamptz, most_received int, most_caused int, most_to_guest int
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    hour_ago timestamptz := at - interval '1 hour';
    reminders text[] := ARRAY['sla-at-risk', 'sla-breached'];
    delivery notifications_delivery;
    recipient accounts_user;
    to_address text;
    customer_id bigint;
    number int;
    earliest timestamptz;
    is_notice boolean;
BEGIN
    SELECT * INTO delivery FROM notifications_delivery WHERE id = delivery_id;
    SELECT * INTO recipient FROM accounts_user WHERE id = delivery.user_id AND is_active;
    is_notice := delivery.kind = 'address-changed';
    IF is_notice AND notifications_is_of_established(delivery) THEN
        RETURN true;
    END IF;
    IF delivery.ticket_id IS NULL AND delivery.kind <> 'ticket-summary' AND NOT is_notice
        AND (delivery.booking_id IS NULL OR delivery.user_id IS NOT NULL) THEN
        RETURN true;
    END IF;
    to_address := CASE WHEN is_notice THEN delivery.address ELSE coalesce(recipient.email, delivery.address) END;
    SELECT id INTO customer_id FROM accounts_user
        WHERE id = delivery.caused_by_id AND id IS DISTINCT FROM delivery.user_id AND type = 'customer';
    IF customer_id IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('mail caused by ' || customer_id, 0));
    END IF;
    IF is_notice AND delivery.user_id IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('notices about ' || delivery.user_id, 0));
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('mail to ' || upper(to_address), 0));
    -- Another worker may have decided in the meantime.
    SELECT * INTO delivery FROM notifications_delivery WHERE id = delivery_id AND state = 'pending';
    IF delivery.id IS NULL OR delivery.admitted_at > hour_ago THEN
        RETURN true;
    END IF;
    IF is_notice OR delivery.booking_id IS NOT NULL THEN
        SELECT count(*), min(admitted_at) INTO number, earliest
            FROM notifications_received(to_address, hour_ago) AS other
            WHERE CASE WHEN is_notice THEN other.kind = 'address-changed' ELSE other.booking_id IS NOT NULL END;
        IF is_notice AND number < most_to_guest THEN
            SELECT count(*), min(admitted_at) INTO number, earliest
                FROM notifications_delivery AS other
                WHERE other.user_id = delivery.user_id
                    AND other.kind = 'address-changed'
                    AND other.admitted_at > hour_ago;
        END IF;
        IF number >= most_to_guest THEN
            UPDATE notifications_delivery SET next_attempt_at = earliest + interval '1 hour' WHERE id = delivery_id;
            RETURN false;
        END IF;
    ELSIF delivery.ticket_id IS NOT NULL AND recipient.id IS NOT NULL AND (
        (
            SELECT count(*) FROM notifications_received(to_address, hour_ago) AS other
            WHERE other.ticket_id IS NOT NULL
                AND (other.kind = ANY(reminders)) = (delivery.kind = ANY(reminders))
        ) >= most_received
        OR customer_id IS NOT NULL
        AND (
            SELECT count(*) FROM notifications_delivery AS other
            WHERE other.caused_by_id = customer_id
                AND other.user_id IS DISTINCT FROM customer_id
                AND other.admitted_at > hour_ago
        ) >= most_caused
    ) THEN
        PERFORM notifications_summarise(delivery_id, recipient, at);
        RETURN false;
    END IF;
    UPDATE notifications_delivery SET admitted_at = at, address = to_address WHERE id = delivery_id;
    RETURN true;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("notifications", "0007_mail_limits")]

    operations = [
        migrations.RunSQL(IS_OF_ESTABLISHED, "DROP FUNCTION notifications_is_of_established"),
        migrations.RunSQL(ADMIT, sql_0007.ADMIT),
    ]
