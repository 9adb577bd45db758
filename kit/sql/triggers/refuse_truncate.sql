-- BEFORE TRUNCATE, for each statement. pgtrigger.Protect only covers DELETE.
BEGIN
    RAISE EXCEPTION '% must not be truncated', TG_TABLE_NAME;
END;
