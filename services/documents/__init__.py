"""Documents as PDF, and where the office's own templates are."""
