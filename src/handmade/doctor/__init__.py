"""Description of this machine, advice for more speed, and a self-test of handmade."""
