"""The rendered test set, and the pictures without plates."""
