-- Insert four projects that everyone can see, and eight that only those involved can see.
INSERT INTO projects_project (name, description, visibility, created_at)
SELECT 'Project ' || number, '', 'everyone', now() FROM generate_series(1, 4) AS number
UNION ALL
SELECT 'Private project ' || number, '', 'involved', now() FROM generate_series(1, 8) AS number;
