"""Documents that an office sends out, filled into templates that it edits itself in Word or Excel."""
