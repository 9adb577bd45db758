"""Filters of the ticket list that people save under a name: one's own, and those that staff share with everyone."""
