-- BEFORE UPDATE OF is_active ON accounts_user, FOR EACH ROW (condition: models.py).
BEGIN
    NEW.deactivations := OLD.deactivations + 1;
    RETURN NEW;
END;
