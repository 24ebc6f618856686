"""What is answered over HTTP: monitors, programs and the operator's page."""
