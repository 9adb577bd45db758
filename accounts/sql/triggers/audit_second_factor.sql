-- AFTER INSERT OR DELETE ON otp_totp_totpdevice, FOR EACH ROW.
BEGIN
    PERFORM accounts_audit_row('second_factor', TG_OP, to_jsonb(OLD), to_jsonb(NEW), ARRAY['name']);
    RETURN NULL;
END;
