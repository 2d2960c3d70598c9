"""What an instance shows on its screen, as a picture."""
