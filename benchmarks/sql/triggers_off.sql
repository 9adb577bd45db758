-- Turn triggers and foreign keys off until the transaction ends. Only superusers may.
SET LOCAL session_replication_role = replica;
