-- The counts of the whole days of the span: `counts`. `whole` has their bounds.
whole AS (
    SELECT coalesce(%(days_from)s::date, '-infinity') AS day, coalesce(%(days_until)s::date, 'infinity') AS until
),
months AS (
    -- The whole months among the whole days; none if `until` is not later than `month`.
    SELECT
        date_trunc('month', day + interval '1 month - 1 day')::date AS month, date_trunc('month', until)::date AS until
    FROM whole
),
counts AS (
    -- Of the whole months as far as they were folded, of the days before and after them, and what is not folded yet.
    SELECT project_id, status, priority, type, tickets, spent
    FROM analytics_monthlycount
    WHERE month >= (SELECT month FROM months) AND month < (SELECT until FROM months)
    UNION ALL
    SELECT project_id, status, priority, type, tickets, spent
    FROM analytics_dailycount
    WHERE is_in_month
        AND day >= (SELECT day FROM whole)
        AND day < (SELECT least(whole.until, month) FROM whole, months)
    UNION ALL
    SELECT project_id, status, priority, type, tickets, spent
    FROM analytics_dailycount
    WHERE is_in_month
        AND day >= (SELECT greatest(month, until) FROM months)
        AND day < (SELECT until FROM whole)
    UNION ALL
    SELECT project_id, status, priority, type, tickets, spent
    FROM analytics_dailycount
    WHERE NOT is_in_month AND day >= (SELECT day FROM whole) AND day < (SELECT until FROM whole)
)
