"""Evidence: the pictures of passages. They are kept for as long and up to the size that the settings allow."""
