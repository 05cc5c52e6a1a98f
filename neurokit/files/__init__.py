"""Files: written atomically, cached, downloaded, and read without trusting them."""
