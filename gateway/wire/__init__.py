"""What home and service agree on: topics, messages, codec, MQTT client, embedded broker."""
