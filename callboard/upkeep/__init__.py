"""What keeps an installation well, and says whether it is."""
