-- BEFORE UPDATE OF capacity, withheld ON events_inventory, FOR EACH ROW (condition: models.py).
-- Whoever asks for more than there will ever be would keep all others waiting behind them.
BEGIN
    IF EXISTS (
        SELECT FROM events_booking
        WHERE event_id = NEW.event_id AND status = 'waiting'
            AND quantity - cancelled > NEW.capacity - NEW.withheld
    ) THEN
        RAISE EXCEPTION 'somebody waits for more seats than that'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_wishes_fit';
    END IF;
    RETURN NEW;
END;
