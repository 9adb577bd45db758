-- Return when a ticket whose deadline was set in SQL, without a calendar, becomes at risk: after its policy's
-- at_risk_share of the time from creation to the deadline.
CREATE OR REPLACE FUNCTION sla_warn_at(priority text, created_at timestamptz, due_at timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE
    RETURN (
        SELECT sla_warn_at.created_at + policy.at_risk_share * (sla_warn_at.due_at - sla_warn_at.created_at)
        FROM sla_slapolicy AS policy
        WHERE policy.priority = sla_warn_at.priority
    );
