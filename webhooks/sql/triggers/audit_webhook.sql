-- AFTER INSERT OR UPDATE OF url, events, description, status OR DELETE ON webhooks_webhook, FOR EACH ROW.
BEGIN
    PERFORM accounts_audit_row(
        'webhook', TG_OP, to_jsonb(OLD), to_jsonb(NEW), ARRAY['url', 'events', 'description', 'status']
    );
    RETURN NULL;
END;
