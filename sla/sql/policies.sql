-- The SLA policies of some priorities, with their calendars.
-- params   priorities  text[]
-- returns  priority text; hours int; at_risk_share float; calendar_id bigint, calendar_name, time_zone text: null without a
--          calendar
-- index    sla_slapolicy_pkey, sla_calendar_pkey
SELECT
    policy.priority,
    policy.hours,
    policy.at_risk_share,
    calendar.id AS calendar_id,
    calendar.name AS calendar_name,
    calendar.time_zone
FROM sla_slapolicy AS policy
LEFT JOIN sla_calendar AS calendar ON calendar.id = policy.calendar_id
WHERE policy.priority = ANY(%(priorities)s::text[]);
