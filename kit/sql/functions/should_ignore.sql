-- Return whether a trigger is to do nothing: its name is in the setting pgtrigger.ignore, an array. Every trigger calls
-- this first. It answers like pgtrigger's own function, which it replaces, but PostgreSQL inlines it. Whatever is not an
-- array counts as an empty one, so it is read as text.
CREATE OR REPLACE FUNCTION _pgtrigger_should_ignore(trigger_name name) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        strpos(
            translate(current_setting('pgtrigger.ignore', true), '{}" ', ',,'),
            ',' || trigger_name::text || ','
        ) > 0,
        false
    )
$$;
