-- Create a delivery for each of these users who is active and has not been notified of `about` yet, and queue their
-- jobs. `caused_by` is the user whose change it is, NULL if there is none. Returns the number of jobs.
CREATE OR REPLACE FUNCTION notifications_notify(
    kind text, about text, user_ids bigint[], ticket_id bigint, payload jsonb, caused_by bigint DEFAULT NULL
) RETURNS int LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    delivery_ids bigint[];
BEGIN
    WITH created AS (
        INSERT INTO notifications_delivery (kind, about, user_id, address, name, ticket_id, payload, caused_by_id)
        SELECT
            kind, about, person.id, person.email, person.name, ticket_id, payload,
            -- The change may have deleted them.
            (SELECT id FROM accounts_user WHERE id = caused_by)
        FROM accounts_user AS person
        WHERE person.id = ANY(user_ids) AND person.is_active
        ORDER BY person.id
        ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING
        RETURNING notifications_delivery.id
    )
    SELECT array_agg(created.id) INTO delivery_ids FROM created;
    RETURN CASE WHEN delivery_ids IS NULL THEN 0 ELSE notifications_defer(delivery_ids) END;
END $$;
