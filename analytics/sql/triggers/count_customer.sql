-- AFTER INSERT OR UPDATE ON accounts_user, FOR EACH ROW (condition: models.py).
-- Somebody became a customer, or is one no more: what their tickets cost counts as spent, or does not. References are
-- checked at commit: a ticket may be there before its creator.
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a user''s type changes at READ COMMITTED alone: it must see the tickets committed by now'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent)
    SELECT (created_at AT TIME ZONE 'UTC')::date, project_id, status, priority, type, 0,
        sum(CASE WHEN NEW.type = 'customer' THEN price ELSE -price END)
    FROM tickets_ticket
    WHERE created_by_id = NEW.id
    GROUP BY 1, 2, 3, 4, 5
    HAVING sum(price) <> 0;
    RETURN NULL;
END;
