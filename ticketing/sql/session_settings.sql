-- Settings of this session, for `manage.py doctor`.
-- params   names  text[]
-- returns  name, value  text  NULL if it has none
SELECT name, current_setting(name, true) AS value FROM unnest(%(names)s::text[]) AS name
