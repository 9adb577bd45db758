-- Write a delivery to each of these people who is active and does not have it yet, and defer its job.
CREATE OR REPLACE FUNCTION notifications_tell(kind text, about text, user_ids bigint[], ticket_id bigint, payload jsonb)
RETURNS int LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    told bigint[];
BEGIN
    WITH written AS (
        INSERT INTO notifications_delivery (kind, about, user_id, address, name, ticket_id, payload)
        SELECT kind, about, person.id, person.email, person.name, ticket_id, payload
        FROM accounts_user AS person
        WHERE person.id = ANY(user_ids) AND person.is_active
        ORDER BY person.id
        ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING
        RETURNING notifications_delivery.id
    )
    SELECT array_agg(written.id) INTO told FROM written;
    RETURN CASE WHEN told IS NULL THEN 0 ELSE notifications_defer(told) END;
END $$;
