"""Who derives: each file makes the code of one network's gradient from its equations."""
