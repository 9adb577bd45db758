-- Insert customers with ids from 1, then one agent per hundred of them, then the admin.
-- params   customers  int
--          email, name   text, of the admin
INSERT INTO accounts_user (name, email, type, password, is_active, is_superuser, created_at)
SELECT 'Customer ' || number, 'customer-' || number || '@example.com', 'customer', '!', true, false, now()
FROM generate_series(1, %(customers)s) AS number
UNION ALL
SELECT 'Agent ' || number, 'agent-' || number || '@example.com', 'agent', '!', true, false, now()
FROM generate_series(1, %(customers)s / 100) AS number
UNION ALL
SELECT %(name)s, %(email)s, 'admin', '!', true, true, now();
