"""What a radiologist would recognise: frozen values, standard library and numpy only."""
