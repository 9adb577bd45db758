-- BEFORE TRUNCATE, FOR EACH STATEMENT: pgtrigger's Protect fires on DELETE alone.
BEGIN
    RAISE EXCEPTION 'the rows of % stay', TG_TABLE_NAME;
END;
