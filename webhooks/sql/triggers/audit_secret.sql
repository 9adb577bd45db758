-- AFTER UPDATE OF ends_at ON webhooks_secret, FOR EACH ROW: a secret gets an end when a new one replaces it.
BEGIN
    PERFORM accounts_audit(
        'webhook_changed', NULL, jsonb_build_object('id', NEW.webhook_id, 'secret', 'replaced')
    );
    RETURN NULL;
END;
