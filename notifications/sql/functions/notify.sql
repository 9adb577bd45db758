-- Create a delivery for each of these users who is active and has not been notified of `about` yet, and wake the
-- workers. `caused_by` is the user whose change it is, NULL if there is none. Returns the number of deliveries.
CREATE OR REPLACE FUNCTION notifications_notify(
    kind text, about text, user_ids bigint[], ticket_id bigint, payload jsonb, caused_by bigint DEFAULT NULL
) RETURNS int LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    created int;
BEGIN
    INSERT INTO notifications_delivery (kind, about, user_id, address, name, ticket_id, payload, caused_by_id)
    SELECT
        kind, about, person.id, person.email, person.name, ticket_id, payload,
        -- The change may have deleted them.
        (SELECT id FROM accounts_user WHERE id = caused_by)
    FROM accounts_user AS person
    WHERE person.id = ANY(user_ids) AND person.is_active
    ORDER BY person.id
    ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING;
    GET DIAGNOSTICS created = ROW_COUNT;
    IF created > 0 THEN
        PERFORM pg_notify('mail', '');
    END IF;
    RETURN created;
END $$;
