"""Who is measured: each file makes the gradient of one network, in a process of its own."""
