-- The numbers of tickets by project and status: whole months, and the days that were not added to them yet.
        SELECT project_id, status, tickets FROM analytics_monthlycount
        UNION ALL
        SELECT project_id, status, tickets FROM analytics_dailycount WHERE NOT is_in_month
