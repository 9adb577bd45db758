-- The projects that new or changed tickets refer to, locked until the transaction ends against being deleted.
-- params   ids         bigint[]
--          is_default  bool        whether to include the default project
-- returns  id bigint; visibility text; is_default bool; no row for unknown ids
-- index    projects_project_pkey, projects_project_system_name_key
SELECT id, visibility, system_name IS NOT DISTINCT FROM 'general' AS is_default
FROM projects_project
WHERE id = ANY(%(ids)s::bigint[]) OR (%(is_default)s::bool AND system_name = 'general')
ORDER BY id
FOR KEY SHARE;
