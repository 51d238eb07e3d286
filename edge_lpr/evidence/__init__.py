"""Pictures of passages, for as long and as many as the settings allow; and numbers that nobody can read back."""
