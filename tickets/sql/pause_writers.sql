-- Wait for all transactions that have changed tickets, and let others wait, until the end of the transaction.
LOCK TABLE tickets_ticket IN SHARE MODE;
