-- What priorities are sorted by, written as in the indexes: the rank of each.
CASE
    WHEN ticket.priority = 'low' THEN 0
    WHEN ticket.priority = 'medium' THEN 1
    WHEN ticket.priority = 'high' THEN 2
END
