-- AFTER UPDATE OF email ON accounts_user, FOR EACH ROW, when the address changes (condition: models.py).
-- Notifies the old address, even of a deactivated user. `revocations` counts changes of the address, among others.
BEGIN
    INSERT INTO notifications_delivery (kind, about, user_id, address, name)
    VALUES ('address-changed', 'user/' || NEW.id || '/address/' || NEW.revocations, NEW.id, OLD.email, OLD.name);
    PERFORM pg_notify('mail', '');
    RETURN NULL;
END;
