"""Files of other people: vendor recordings in; FHIR, EDF+, CSV and PDF out."""
