"""What customers may get for less, or beside their plans: rewards, their promotion codes, and who used which."""
