"""The micro-recorder in a mandibular advancement device: temperature, posture and motion, for months."""
