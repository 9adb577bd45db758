-- The mail that was let through to an address after `since`, whatever the case and the account (functions/admit.sql).
-- A single expression, so that PostgreSQL inlines it and uses the index delivery_admitted.
CREATE OR REPLACE FUNCTION notifications_received(
    to_address text, since timestamptz
) RETURNS SETOF notifications_delivery LANGUAGE sql STABLE AS $$
    SELECT * FROM notifications_delivery WHERE upper(address) = upper(to_address) AND admitted_at > since
$$;
