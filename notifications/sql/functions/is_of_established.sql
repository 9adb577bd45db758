-- Return whether a notice of a changed address goes to one that the account had for at least an hour. As an address
-- belongs to one account at a time, there is at most one such notice per hour to an address, and about an account.
CREATE OR REPLACE FUNCTION notifications_is_of_established(
    notice notifications_delivery
) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM accounts_user
        WHERE id = notice.user_id AND created_at <= notice.created_at - interval '1 hour'
    ) AND NOT EXISTS (
        SELECT FROM notifications_delivery AS other
        WHERE other.user_id = notice.user_id
            AND other.kind = 'address-changed'
            AND other.id < notice.id
            AND other.created_at > notice.created_at - interval '1 hour'
    )
$$;
