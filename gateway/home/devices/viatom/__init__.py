"""Viatom and Wellue "Oxy" rings: O2Ring, CheckO2, SleepO2, O2 Max."""
