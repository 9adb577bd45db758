"""When records changed last, for lists that are read again since a time (`updatedSince`)."""
