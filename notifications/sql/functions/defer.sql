-- Give each of these deliveries a job, unless one waits already; returns to how many.
CREATE OR REPLACE FUNCTION notifications_defer(delivery_ids bigint[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    deferred int;
BEGIN
    -- A person waits in front of the screen for a password, so those go first. The triggers of procrastinate wake a worker.
    INSERT INTO procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args)
    SELECT
        'mail',
        'notifications.tasks.deliver',
        CASE WHEN kind IN ('set-password', 'reset-password') THEN 1 ELSE -1 END,
        'delivery/' || id,
        jsonb_build_object('delivery_id', id)
    FROM notifications_delivery
    WHERE id = ANY(delivery_ids)
    ORDER BY id
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING;
    GET DIAGNOSTICS deferred = ROW_COUNT;
    RETURN deferred;
END $$;
