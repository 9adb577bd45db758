-- Append an entry about a row that was created, changed or deleted, for a trigger FOR EACH ROW of any table:
--     PERFORM accounts_audit_row('webhook', TG_OP, to_jsonb(OLD), to_jsonb(NEW), ARRAY['url', 'events']);
-- Its action is `noun` with _created, _changed or _deleted. Its details are the row's id and these columns: their values,
-- or, of an update, [before, after] for those that differ. An update of other columns leaves no entry. Never name a column
-- with a secret. The entry is about the user in the row's user_id, if it has one.
CREATE OR REPLACE FUNCTION accounts_audit_row(noun text, operation text, before jsonb, after jsonb, columns text[])
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    shown jsonb := coalesce(after, before);
    details jsonb;
BEGIN
    SELECT jsonb_object_agg(
        name,
        CASE operation WHEN 'UPDATE' THEN jsonb_build_array(before -> name, after -> name) ELSE shown -> name END
    )
    INTO details
    FROM unnest(columns) AS name
    WHERE operation <> 'UPDATE' OR before -> name IS DISTINCT FROM after -> name;
    IF details IS NOT NULL THEN
        PERFORM accounts_audit(
            noun || CASE operation WHEN 'INSERT' THEN '_created' WHEN 'UPDATE' THEN '_changed' ELSE '_deleted' END,
            (shown ->> 'user_id')::bigint,
            jsonb_build_object('id', shown -> 'id') || details
        );
    END IF;
END;
$$;
