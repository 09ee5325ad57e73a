"""How the records database came about, step by step."""
