"""Files: written as one step, cached, downloaded, and read without trust."""
