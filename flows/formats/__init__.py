"""How flows write and read values as text: cultures, formats and JSON as the original has them."""
