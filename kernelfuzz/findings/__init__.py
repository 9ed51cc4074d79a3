"""What is kept of a failure: its signature, the script that shows it, the report, the folder it lies in."""
