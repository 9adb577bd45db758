-- AFTER INSERT OR UPDATE OF user_id, name, digest, scope, expires_at OR DELETE ON accounts_apikey, FOR EACH ROW.
BEGIN
    PERFORM accounts_audit_row(
        'api_key', TG_OP, to_jsonb(OLD), to_jsonb(NEW), ARRAY['user_id', 'name', 'prefix', 'scope', 'expires_at']
    );
    RETURN NULL;
END;
