"""Volume → Opinion: the bundled models, how films are prepared for them and how they are judged."""
