-- AFTER INSERT OR UPDATE ON accounts_user, FOR EACH ROW, when a user becomes a customer or stops being one (models.py).
-- Adds the prices of the user's tickets to what customers spent, or subtracts them. A new user can have tickets already:
-- the foreign key is checked at commit.
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'The type of a user can only be changed at READ COMMITTED: a snapshot could miss new tickets'
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
