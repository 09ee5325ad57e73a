"""Contec CMS50D-BT and EMAY SleepO2."""
