-- Insert the tickets from number `first` to `last` of a year's tickets, oldest first. Derived columns are as the triggers
-- would have set them.
--
-- 70 of 100 are closed, 20 open, 10 in progress. 10 of 100 are in projects that only those involved can see. 30 of 100
-- have labels. Customer 1 has created 5 tickets, customer 2 has created 5,000, and the others share the rest.
-- params   first, last, total   int
--          customers   int
WITH drawn AS (
    SELECT
        number,
        date_trunc('second', now() - interval '1 year' * (1 - number::float8 / %(total)s)) AS created_at,
        -- Numbers from 0 to 99 that depend only on the ticket's number and a seed.
        abs(hashint8extended(number, 1)) %% 100 AS for_status,
        abs(hashint8extended(number, 2)) %% 100 AS for_priority,
        abs(hashint8extended(number, 3)) %% 100 AS for_type,
        abs(hashint8extended(number, 4)) %% 100 AS for_venue,
        abs(hashint8extended(number, 5)) %% 100 AS for_project,
        abs(hashint8extended(number, 6)) %% 100 AS for_times,
        abs(hashint8extended(number, 7)) AS for_words,
        abs(hashint8extended(number, 9)) %% 1000 AS for_labels
    FROM generate_series(%(first)s::bigint, %(last)s) AS number
), described AS (
    SELECT
        *,
        CASE WHEN for_status < 70 THEN 'closed' WHEN for_status < 90 THEN 'open' ELSE 'in-progress' END AS status,
        CASE WHEN for_priority < 20 THEN 'high' WHEN for_priority < 70 THEN 'medium' ELSE 'low' END AS priority
    FROM drawn
), timed AS (
    SELECT
        described.*,
        policy.hours,
        created_at + interval '1 hour' * policy.hours AS sla_due_at,
        created_at + interval '1 hour' * policy.hours * policy.at_risk_share AS sla_warn_at,
        CASE WHEN status = 'closed' THEN
            least(created_at + interval '1 hour' * policy.hours * (for_times + 10) / 100, now())
        END AS closed_at
    FROM described JOIN sla_slapolicy AS policy USING (priority)
)
INSERT INTO tickets_ticket (
    title, description, project_id, status, type, venue, price, priority, due_at, created_by_id, created_at, updated_at,
    closed_at, held_at, sla_hours, sla_due_at, sla_warn_at, sla_met, labels, version
)
SELECT
    concat_ws(
        ' ',
        (ARRAY['Printer', 'Login', 'Database', 'Invoice', 'Refund', 'Projector', 'Network', 'Café', 'Ticket', 'Screen'])
            [1 + for_words %% 10],
        (ARRAY['fails', 'is slow', 'is missing', 'cannot be opened', 'shows an error', 'needs a change'])
            [1 + for_words / 10 %% 6],
        'in room',
        for_words / 60 %% 900
    ),
    repeat('It stopped working after lunch, and a restart did not help. ', 1 + (for_words / 7 %% 6)::int)
        || 'Reference ' || number || '.',
    CASE
        WHEN for_project < 10 THEN
            (SELECT array_agg(id ORDER BY id) FROM projects_project WHERE visibility = 'involved')[1 + number %% 9]
        ELSE (SELECT array_agg(id ORDER BY id) FROM projects_project WHERE visibility = 'everyone')
            [1 + greatest(0, for_words %% 10 - 5)]
    END,
    status,
    CASE
        WHEN for_type < 40 THEN 'task' WHEN for_type < 65 THEN 'bug' WHEN for_type < 80 THEN 'concert'
        WHEN for_type < 90 THEN 'sports' ELSE 'conference'
    END,
    CASE WHEN for_venue < 50 THEN '' ELSE 'Hall ' || for_venue - 49 END,
    CASE WHEN for_type >= 65 THEN for_venue * 2.5 END,
    priority,
    CASE WHEN for_times < 30 THEN created_at + interval '20 days' END,
    CASE
        WHEN number %% (%(total)s / 5) = 0 THEN 1
        WHEN number %% (%(total)s / 5000) = 1 THEN 2
        ELSE 3 + for_words %% (%(customers)s - 2)
    END,
    created_at,
    CASE WHEN status = 'closed' THEN closed_at WHEN for_times < 50 THEN least(created_at + interval '3 hours', now()) END,
    closed_at,
    CASE WHEN status <> 'closed' AND for_times < 5 THEN least(created_at + interval '1 hour', now()) END,
    hours,
    sla_due_at,
    sla_warn_at,
    CASE WHEN status = 'closed' THEN closed_at <= sla_due_at END,
    CASE
        WHEN for_labels < 150 THEN ARRAY['hardware']
        WHEN for_labels < 200 THEN ARRAY['hardware', 'urgent']
        WHEN for_labels < 250 THEN ARRAY['urgent']
        WHEN for_labels < 299 THEN ARRAY['network']
        WHEN for_labels < 300 THEN ARRAY['network', 'recall']
        ELSE '{}'
    END,
    1
FROM timed
ORDER BY number;
