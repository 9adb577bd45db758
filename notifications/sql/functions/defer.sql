-- Queue a job for each of these deliveries, unless one is already waiting. Returns the number of jobs queued.
-- Procrastinate's own triggers wake a worker.
CREATE OR REPLACE FUNCTION notifications_defer(delivery_ids bigint[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    deferred int;
BEGIN
    INSERT INTO procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args)
    SELECT
        'mail',
        'notifications.tasks.deliver',
        -- Users wait at the screen for these.
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
