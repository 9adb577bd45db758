-- The functions of this database, without those of extensions.
-- returns  name        text  with the types of the arguments
--          definition  text
SELECT function.oid::regprocedure::text AS name, pg_get_functiondef(function.oid) AS definition
FROM pg_proc AS function
WHERE function.pronamespace = 'public'::regnamespace AND function.prokind IN ('f', 'p')
ORDER BY name
