"""What a failure is called, whether it is known, and how it is handed on."""
