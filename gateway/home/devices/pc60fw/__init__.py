"""Viatom PC-60FW and other Creative fingertip oximeters on the Nordic UART service."""
