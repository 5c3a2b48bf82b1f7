"""What each process does once it is confined, and the frames between them."""
