"""The wire formats of other documents, one module each: names, envelopes and status codes, but no rules."""
