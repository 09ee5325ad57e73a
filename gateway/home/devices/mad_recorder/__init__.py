"""Our own recorder in a mandibular advancement device: temperature, posture and motion, kept for months."""
