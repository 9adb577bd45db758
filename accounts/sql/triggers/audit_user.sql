-- AFTER INSERT OR UPDATE OF password, email, type, is_active, is_superuser OR DELETE ON accounts_user, FOR EACH ROW.
-- The audit log has every change of what a user may do and of how they sign in, psql's included. Customers who sign up
-- are no news.
DECLARE
    role jsonb := '{}';
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM accounts_audit('user_deleted', OLD.id, jsonb_build_object('email', OLD.email, 'type', OLD.type));
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.type <> 'customer' THEN
            role := jsonb_build_object('type', NEW.type, 'is_superuser', NEW.is_superuser);
            PERFORM accounts_audit('staff_created', NEW.id, role);
        END IF;
        RETURN NULL;
    END IF;
    IF OLD.password <> NEW.password THEN
        PERFORM accounts_audit('password_changed', NEW.id, '{}');
    END IF;
    IF OLD.email <> NEW.email THEN
        PERFORM accounts_audit('email_changed', NEW.id, jsonb_build_object('email', jsonb_build_array(OLD.email, NEW.email)));
    END IF;
    IF OLD.type <> NEW.type THEN
        role := jsonb_build_object('type', jsonb_build_array(OLD.type, NEW.type));
    END IF;
    IF OLD.is_superuser <> NEW.is_superuser THEN
        role := role || jsonb_build_object('is_superuser', jsonb_build_array(OLD.is_superuser, NEW.is_superuser));
    END IF;
    IF role <> '{}' THEN
        PERFORM accounts_audit('role_changed', NEW.id, role);
    END IF;
    IF OLD.is_active <> NEW.is_active THEN
        PERFORM accounts_audit(CASE WHEN NEW.is_active THEN 'user_reactivated' ELSE 'user_deactivated' END, NEW.id, '{}');
    END IF;
    RETURN NULL;
END;
