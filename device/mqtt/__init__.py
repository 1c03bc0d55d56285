"""What `device.mqtt_client` is made of: the connection, its bounds, and why a session ended."""
