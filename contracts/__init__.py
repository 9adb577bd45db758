"""Other people's wire formats, a module each: what their documents say goes in and out. The rules are the domain's."""
