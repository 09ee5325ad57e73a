"""BerryMed BM1000 and others that speak BCI."""
