-- Whether the viewer may see the event, as in Event.objects.visible_to; a test compares the two.
(event.deleted_at IS NULL AND (%(is_admin)s::boolean OR event.status <> 'draft'))
