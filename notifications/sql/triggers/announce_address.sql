-- AFTER UPDATE OF email ON accounts_user, FOR EACH ROW, when the address changes (condition: models.py).
-- Notifies the old address, even of a deactivated user. `revocations` counts changes of the address, among others.
DECLARE
    delivery_id bigint;
BEGIN
    INSERT INTO notifications_delivery (kind, about, user_id, address, name)
    VALUES ('address-changed', 'user/' || NEW.id || '/address/' || NEW.revocations, NEW.id, OLD.email, OLD.name)
    RETURNING id INTO delivery_id;
    PERFORM notifications_defer(ARRAY[delivery_id]);
    RETURN NULL;
END;
